terraform {
  source = "../../../stacks//app"
}

inputs = {
  env = "dev"
}
