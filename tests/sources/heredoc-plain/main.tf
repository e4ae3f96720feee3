resource "aws_iam_group_policy" "app" {
  group  = aws_iam_group.readers.name
  policy = <<EOF
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"},
  {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
]}
EOF
}
resource "aws_iam_group" "readers" {
  name = "shop-readers"
}
