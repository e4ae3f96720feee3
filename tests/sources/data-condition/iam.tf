data "aws_iam_policy_document" "app" {
  version = "2012-10-17"

  statement {
    actions   = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]
    resources = ["arn:aws:s3:::&{aws:PrincipalTag/team}-assets", "arn:aws:s3:::&{aws:PrincipalTag/team}-assets/*"]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["&{aws:username}/*", "${var.prefix}/*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = [true]
    }
  }

  statement {
    effect      = "Deny"
    not_actions = ["s3:*", "sts:*"]
    resources   = ["*"]
  }
}

resource "aws_iam_role_policy" "app" {
  role   = aws_iam_role.app.id
  policy = data.aws_iam_policy_document.app.json
}

resource "aws_iam_role" "app" {
  name               = "shop-app"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}
