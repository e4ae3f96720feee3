module "dev" {
  source    = "./app"
  providers = { aws = aws.dev }
}

provider "aws" {
  alias               = "dev"
  allowed_account_ids = ["111122223333"]
}

module "prod" {
  source    = "./app"
  providers = { aws = aws.prod }
}

provider "aws" {
  alias               = "prod"
  allowed_account_ids = ["444455556666"]
}

