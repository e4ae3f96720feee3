# What runs by the clock.
resource "aws_iam_role" "nightly_report" {
  name               = "nightly-report"
  assume_role_policy = var.trust["nightly-report"]
}

resource "aws_iam_role_policy" "nightly_report" {
  name   = "report"
  role   = aws_iam_role.nightly_report.name
  policy = data.aws_iam_policy_document.nightly_report.json
}

data "aws_iam_policy_document" "nightly_report" {
  statement {
    actions   = ["sts:AssumeRole"]
    resources = ["arn:aws:iam::444455556666:role/*"]
  }

  statement {
    actions   = ["dynamodb:DescribeTable", "dynamodb:Scan", "dynamodb:DeleteTable"]
    resources = ["arn:aws:dynamodb:${var.region}:${local.account}:table/shop-*"]
  }

  statement {
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:aws:s3:::shop-invoices/reports/*"]
  }

  statement {
    actions   = ["sns:Publish"]
    resources = ["arn:aws:sns:eu-west-1:111122223333:shop-reports"]
  }
}

resource "aws_iam_role" "month_close" {
  name               = "month-close"
  assume_role_policy = var.trust["month-close"]
}

resource "aws_iam_role_policy" "month_close" {
  name   = "close"
  role   = aws_iam_role.month_close.name
  policy = data.aws_iam_policy_document.month_close.json
}

data "aws_iam_policy_document" "month_close" {
  statement {
    actions   = ["rds:*"]
    resources = ["arn:aws:rds:eu-west-1:111122223333:*"]
  }

  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:aws:s3:::shop-invoices/*"]
  }

  statement {
    actions   = ["athena:*"]
    resources = ["arn:aws:athena:eu-west-1:111122223333:*"]
  }
}

resource "aws_iam_role" "shop_batch" {
  name               = "shop-batch"
  assume_role_policy = var.trust["shop-batch"]
}

resource "aws_iam_role_policy" "shop_batch" {
  name   = "jobs"
  role   = aws_iam_role.shop_batch.name
  policy = data.aws_iam_policy_document.shop_batch.json
}

data "aws_iam_policy_document" "shop_batch" {
  statement {
    actions   = ["batch:*"]
    resources = ["arn:aws:batch:eu-west-1:111122223333:*"]
  }

  statement {
    actions   = ["batch:Describe*"]
    resources = ["*"]
  }
}

# Every one of them writes logs.
resource "aws_iam_policy" "common_logs" {
  name   = "shop-common-logs"
  policy = data.aws_iam_policy_document.common_logs.json
}

data "aws_iam_policy_document" "common_logs" {
  statement {
    actions = [
      "logs:CreateLogGroup",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "logs:DescribeLogGroups",
      "logs:DescribeLogStreams",
      "logs:PutRetentionPolicy",
      "logs:DeleteLogGroup",
      "logs:DeleteLogStream",
    ]
    resources = ["arn:aws:logs:${var.region}:${local.account}:*"]
  }
}

resource "aws_iam_policy" "metrics" {
  name   = "shop-metrics"
  policy = file("${path.module}/policies/shop-metrics.json")
}
