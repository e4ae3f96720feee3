module "app" {
  source    = "./app"
  providers = { aws = aws.prod }
}

provider "aws" {
  region = "eu-west-1"
}

provider "aws" {
  alias               = "prod"
  allowed_account_ids = ["999988887777"]
}
