resource "aws_iam_user_policy" "app" {
  user = "shop-robot"
  name = "objects"

  policy = <<-POLICY
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Action": [
            "s3:GetObject",
            "s3:PutObject"
          ],
          "Resource": "${var.bucket}/$${aws:username}/*"
        }
      ]
    }
  POLICY
}
