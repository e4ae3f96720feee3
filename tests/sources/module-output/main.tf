module "documents" {
  source = "./modules/documents"
}
resource "aws_iam_policy" "cart" {
  name   = "shop-cart"
  policy = module.documents.cart
}
