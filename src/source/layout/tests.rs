//! What names say.

use super::part;

#[test]
fn a_part_is_an_account_and_a_delivery_date() {
    let expected = ("111122223333".to_owned(), "2026-10-11".to_owned());
    assert_eq!(
        part("s3://b/AWSLogs/o-x/111122223333/CloudTrail/eu-west-1/2026/10/11/a.json.gz"),
        expected
    );
    assert_eq!(part("a/b/c/d/e/f/g"), (String::new(), String::new()));
}
