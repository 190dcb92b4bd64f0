terraform {
  required_version = ">= 1.9" # conditions of variables name other variables

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}
