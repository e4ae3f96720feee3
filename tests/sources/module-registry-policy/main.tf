module "policy" {
  source = "terraform-aws-modules/iam/aws//modules/iam-policy"

  name        = "shop-app"
  description = "What the shop does"
  policy      = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::shop-assets/*"}]
}
EOF
}
