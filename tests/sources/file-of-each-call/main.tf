module "app" {
  source = "./app"
  name   = "app"
}

module "batch" {
  source = "./app"
  name   = "batch"
}
