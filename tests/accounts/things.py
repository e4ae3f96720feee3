"""Things that calls touch: their ARNs, and how requests spell them.

Typed from the Service Authorization Reference ("Actions, resources, and condition keys for ...") and the CloudTrail
examples of each service's guide, not from the catalog: that is what it is there to judge.

In texts `{R}` is the region, `{A}` the account, `{n}` a fresh name, `{h12}` twelve fresh hex digits, `{H12}` the same as capitals.
"""

# kind: (ARN, {form: spelling}); `{arn}` is the ARN itself.
NAMED = {"name": "{n}"}
NAME_OR_ARN = {"name": "{n}", "arn": "{arn}"}
ARN = {"arn": "{arn}"}
THINGS = {
    "function": ("arn:aws:lambda:{R}:{A}:function:{n}", {
        "name": "{n}", "arn": "{arn}", "partial": "{A}:function:{n}"}),
    "qualified": ("arn:aws:lambda:{R}:{A}:function:{n}:prod", {
        "name": "{n}:prod", "arn": "{arn}", "partial": "{A}:function:{n}:prod"}),
    "queue": ("arn:aws:sqs:{R}:{A}:{n}", {
        "url": "https://sqs.{R}.amazonaws.com/{A}/{n}", "legacy": "https://{R}.queue.amazonaws.com/{A}/{n}"}),
    "topic": ("arn:aws:sns:{R}:{A}:{n}", ARN),
    "bucket": ("arn:aws:s3:::{n}", NAMED),
    "table": ("arn:aws:dynamodb:{R}:{A}:table/{n}", NAME_OR_ARN),
    "key": ("arn:aws:kms:{R}:{A}:key/{h8}-1111-2222-3333-{h12}", {
        "id": "{h8}-1111-2222-3333-{h12}", "arn": "{arn}"}),
    "alias": ("arn:aws:kms:{R}:{A}:alias/{n}", {"name": "alias/{n}"}),
    "role": ("arn:aws:iam::{A}:role/{n}", NAMED),
    "passed": ("arn:aws:iam::{A}:role/{n}", ARN),
    "user": ("arn:aws:iam::{A}:user/{n}", NAMED),
    "iampolicy": ("arn:aws:iam::{A}:policy/{n}", ARN),
    "profile": ("arn:aws:iam::{A}:instance-profile/{n}", NAMED),
    "instance": ("arn:aws:ec2:{R}:{A}:instance/i-0{h16}", {"id": "i-0{h16}"}),
    "volume": ("arn:aws:ec2:{R}:{A}:volume/vol-0{h16}", {"id": "vol-0{h16}"}),
    "vpc": ("arn:aws:ec2:{R}:{A}:vpc/vpc-0{h16}", {"id": "vpc-0{h16}"}),
    "group": ("arn:aws:ec2:{R}:{A}:security-group/sg-0{h16}", {"id": "sg-0{h16}"}),
    "snapshot": ("arn:aws:ec2:{R}::snapshot/snap-0{h16}", {"id": "snap-0{h16}"}),
    "subnet": ("arn:aws:ec2:{R}:{A}:subnet/subnet-0{h16}", {"id": "subnet-0{h16}"}),
    "cluster": ("arn:aws:ecs:{R}:{A}:cluster/{n}", NAME_OR_ARN),
    "taskdef": ("arn:aws:ecs:{R}:{A}:task-definition/{n}:7", {"name": "{n}:7", "arn": "{arn}"}),
    "repository": ("arn:aws:ecr:{R}:{A}:repository/{n}/app", {"name": "{n}/app"}),
    "eks": ("arn:aws:eks:{R}:{A}:cluster/{n}", NAMED),
    "db": ("arn:aws:rds:{R}:{A}:db:{n}", NAME_OR_ARN),
    "dbsnapshot": ("arn:aws:rds:{R}:{A}:snapshot:{n}", {"name": "{n}"}),
    "loggroup": ("arn:aws:logs:{R}:{A}:log-group:/aws/{n}", {"name": "/aws/{n}"}),
    "secret": ("arn:aws:secretsmanager:{R}:{A}:secret:app/{n}-AbCdEf", {
        "name": "app/{n}", "arn": "{arn}", "short": "arn:aws:secretsmanager:{R}:{A}:secret:app/{n}"}),
    "parameter": ("arn:aws:ssm:{R}:{A}:parameter/shop/{n}", {"path": "/shop/{n}", "arn": "{arn}"}),
    "plainparameter": ("arn:aws:ssm:{R}:{A}:parameter/{n}", {"name": "{n}", "slash": "/{n}"}),
    "machine": ("arn:aws:states:{R}:{A}:stateMachine:{n}", ARN),
    "execution": ("arn:aws:states:{R}:{A}:execution:machine:{n}", ARN),
    "rule": ("arn:aws:events:{R}:{A}:rule/{n}", NAMED),
    "busrule": ("arn:aws:events:{R}:{A}:rule/orders/{n}", NAMED),
    "bus": ("arn:aws:events:{R}:{A}:event-bus/{n}", NAME_OR_ARN),
    "stack": ("arn:aws:cloudformation:{R}:{A}:stack/{n}/{h8}-aaaa-bbbb-cccc-{h12}", {"name": "{n}", "arn": "{arn}"}),
    "alarm": ("arn:aws:cloudwatch:{R}:{A}:alarm:{n}", NAMED),
    "dashboard": ("arn:aws:cloudwatch::{A}:dashboard/{n}", NAMED),
    "zone": ("arn:aws:route53:::hostedzone/Z0{H12}", {"id": "Z0{H12}", "path": "/hostedzone/Z0{H12}"}),
    "balancer": ("arn:aws:elasticloadbalancing:{R}:{A}:loadbalancer/app/{n}/{h16}", ARN),
    "targets": ("arn:aws:elasticloadbalancing:{R}:{A}:targetgroup/{n}/{h16}", ARN),
    "listener": ("arn:aws:elasticloadbalancing:{R}:{A}:listener/app/{n}/{h16}/{h16}", ARN),
    "asg": ("arn:aws:autoscaling:{R}:{A}:autoScalingGroup:{h8}-1111-2222-3333-{h12}:autoScalingGroupName/{n}", NAMED),
    "stream": ("arn:aws:kinesis:{R}:{A}:stream/{n}", NAMED),
    "delivery": ("arn:aws:firehose:{R}:{A}:deliverystream/{n}", NAMED),
    "gluedb": ("arn:aws:glue:{R}:{A}:database/{n}", NAMED),
    "job": ("arn:aws:glue:{R}:{A}:job/{n}", NAMED),
    "workgroup": ("arn:aws:athena:{R}:{A}:workgroup/{n}", NAMED),
    "certificate": ("arn:aws:acm:{R}:{A}:certificate/{h8}-1111-2222-3333-{h12}", ARN),
    "restapi": ("arn:aws:apigateway:{R}::/restapis/{h10}", {"id": "{h10}"}),
    "distribution": ("arn:aws:cloudfront::{A}:distribution/E{H12}", {"id": "E{H12}"}),
    "cachegroup": ("arn:aws:elasticache:{R}:{A}:replicationgroup:{n}", NAMED),
    "project": ("arn:aws:codebuild:{R}:{A}:project/{n}", NAMED),
    "pipeline": ("arn:aws:codepipeline:{R}:{A}:{n}", NAMED),
    "pool": ("arn:aws:cognito-idp:{R}:{A}:userpool/{R}_{h9}", {"id": "{R}_{h9}"}),
    "vault": ("arn:aws:backup:{R}:{A}:backup-vault:{n}", NAMED),
    "filesystem": ("arn:aws:elasticfilesystem:{R}:{A}:file-system/fs-0{h16}", {"id": "fs-0{h16}"}),
    "warehouse": ("arn:aws:redshift:{R}:{A}:cluster:{n}", NAMED),
    "endpoint": ("arn:aws:sagemaker:{R}:{A}:endpoint/{n}", NAMED),
    "training": ("arn:aws:sagemaker:{R}:{A}:training-job/{n}", NAMED),
    "jobqueue": ("arn:aws:batch:{R}:{A}:job-queue/{n}", NAME_OR_ARN),
    "jobdef": ("arn:aws:batch:{R}:{A}:job-definition/{n}:3", {"name": "{n}:3", "arn": "{arn}"}),
    "schedule": ("arn:aws:scheduler:{R}:{A}:schedule/default/{n}", NAMED),
    "trail": ("arn:aws:cloudtrail:{R}:{A}:trail/{n}", NAME_OR_ARN),
    "configrule": ("arn:aws:config:{R}:{A}:config-rule/config-rule-{h6}", {"arn": "{arn}"}),
    "msk": ("arn:aws:kafka:{R}:{A}:cluster/{n}/{h8}-1111-2222-3333-{h12}-2", ARN),
    "domain": ("arn:aws:es:{R}:{A}:domain/{n}", NAMED),
    "detector": ("arn:aws:guardduty:{R}:{A}:detector/{h32}", {"id": "{h32}"}),
    "replication": ("arn:aws:dms:{R}:{A}:task:{H12}", ARN),
    "webacl": ("arn:aws:wafv2:{R}:{A}:regional/webacl/{n}/{h8}-1111-2222-3333-{h12}", ARN),
    "ssmdocument": ("arn:aws:ssm:{R}:{A}:document/{n}", {"name": "{n}"}),
}
