resource "aws_iam_role_policy" "app" {
  name   = "objects"
  role   = "shop-app"
  policy = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:PutObject"],
      "Resource": ${jsonencode(formatlist("%s/*", var.bucket_arns))}
    }
  ]
}
EOF
}
