module "app" {
  source = "./app"
  name   = "checkout"
}
