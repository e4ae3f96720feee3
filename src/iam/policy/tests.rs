//! Documents in, documents out.

use super::*;

#[test]
fn a_statement_may_be_an_object_or_an_array() {
    let object = Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#).unwrap();
    let array = Policy::parse(r#"{"Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]}"#).unwrap();
    assert_eq!(object.statements[0].action, array.statements[0].action);
    assert_eq!(object.statements[0].resource, array.statements[0].resource);
}
