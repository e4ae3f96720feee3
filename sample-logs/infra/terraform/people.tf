# People, and what they must not exceed.
resource "aws_iam_group_policy" "buckets" {
  name   = "buckets"
  group  = "developers"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:ListAllMyBuckets", "s3:GetBucketLocation", "s3:DeleteBucket"]
        Resource = ["*"]
      },
    ]
  })
}

resource "aws_iam_user_policy" "backup" {
  name   = "backup"
  user   = "old-backup"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:*"]
        Resource = ["*"]
      },
    ]
  })
}

# The hackathon of spring.
resource "aws_iam_user_policy" "hackathon" {
  name   = "hackathon"
  user   = "jonas"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["iam:PassRole"]
        Resource = ["arn:aws:iam::111122223333:role/thumbnailer"]
      },
      {
        Effect   = "Allow"
        Action   = ["lambda:CreateFunction"]
        Resource = ["*"]
      },
    ]
  })
}

resource "aws_iam_policy" "developers" {
  name   = "shop-developers"
  policy = data.aws_iam_policy_document.developers.json
}

data "aws_iam_policy_document" "developers" {
  statement {
    actions = [
      "ec2:Describe*",
      "ec2:StartInstances",
      "ec2:StopInstances",
      "ec2:RebootInstances",
    ]
    resources = ["*"]
  }

  statement {
    actions = [
      "logs:DescribeLogGroups",
      "logs:FilterLogEvents",
      "logs:GetLogEvents",
      "logs:DeleteLogGroup",
    ]
    resources = ["arn:aws:logs:${var.region}:${local.account}:*"]
  }

  statement {
    actions = [
      "lambda:ListFunctions",
      "lambda:GetFunction",
      "lambda:InvokeFunction",
      "lambda:DeleteFunction",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "boundary" {
  name   = "shop-boundary"
  policy = data.aws_iam_policy_document.boundary.json
}

data "aws_iam_policy_document" "boundary" {
  statement {
    actions = [
      "ecr:*",
      "eks:*",
      "lambda:*",
      "s3:*",
      "logs:*",
      "cloudwatch:*",
      "sqs:*",
      "dynamodb:*",
    ]
    resources = ["*"]
  }

  statement {
    actions   = ["iam:GetRole", "iam:PassRole"]
    resources = ["arn:aws:iam::111122223333:role/*"]
  }
}
