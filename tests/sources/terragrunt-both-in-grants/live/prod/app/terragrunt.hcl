terraform {
  source = "../../../stacks//app"
}

inputs = {
  env = "prod"
}
