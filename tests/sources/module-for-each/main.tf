locals {
  stages = toset(["dev", "prod"])
}

module "app" {
  for_each = local.stages
  source   = "./modules/app"
  env      = each.key
}
