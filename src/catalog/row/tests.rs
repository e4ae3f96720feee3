//! The one-line form reads back what it wrote.

use super::*;

fn check(text: &str) {
    assert_eq!(write(&read(text)), text);
}

#[test]
fn what_is_read_is_written_again() {
    check("s3:GetObject");
    check("~s3:GetObject");
    check("s3:GetObject|-versionId");
    check("s3:GetObjectVersion|+versionId,VersionId");
    check("iam:PassRole|+role|=${role}|c");
    check("sqs:SendMessage||=arn:${Partition}:sqs:${Region}:${Account}:${QueueUrl|basename}|c");
    check("sqs:SendMessage||=arn:${Partition}:sqs:${Region}:${Account}:${QueueUrl|basename}");
    check("s3:GetObject|-x-amz-copy-source:versionId|=arn:${Partition}:s3:::${x-amz-copy-source|object}|a");
    check("~s3:GetObject||?");
    check("x:Get||thing{Name=thingName}|h");
    check("rds:CopyDBSnapshot||snapshot{SnapshotName=SourceDBSnapshotIdentifier|folded}|o");
    check("ec2:RunInstances||image,key-pair{KeyPairName=KeyName},subnet sts:TagSession|mode=on,off");
}

#[test]
fn parts_of_a_need() {
    let needs = read("~iam:PassRole|+a,b|=${a},role{Name=roleName}|c");
    let expected = RowNeed {
        action: "iam:PassRole".to_owned(),
        certain: false,
        when: When::Present(vec!["a".to_owned(), "b".to_owned()]),
        bindings: vec![
            Binding::Template("${a}".to_owned()),
            Binding::Type {
                name: "role".to_owned(),
                variables: vec![("Name".to_owned(), "roleName".to_owned())],
            },
        ],
        complete: true,
        apart: false,
        open: false,
        hint: false,
    };
    assert_eq!(needs, [expected]);
}
