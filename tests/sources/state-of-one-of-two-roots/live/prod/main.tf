variable "names" {}

module "app" {
  source = "../../modules/app"
  names  = var.names
}
