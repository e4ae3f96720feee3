# The policies of account 111122223333 that Terraform makes: `trimtrail patch RESULT sample-logs/infra` edits them.
variable "region" {
  type    = string
  default = "eu-west-1"
}

# Who may take each role; what this sample is about stands in the policies.
variable "trust" {
  type = map(string)
}

locals {
  account = "111122223333"
}
