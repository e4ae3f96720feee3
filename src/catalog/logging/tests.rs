//! Tests of how actions show in trails.

use std::collections::BTreeSet;

use super::*;
use crate::catalog::tests::data;

/// Operations of the data plane, by the prefix or event source stem of their service: AWS's Smithy models mark them so,
/// or they have a model of their own.
const DATA_PLANE: &str = "
airflow InvokeRestApi
appconfig GetLatestConfiguration StartConfigurationSession
backup-search ListSearchJobResults
bedrock ApplyGuardrail CreateSession EndSession GetAsyncInvoke InvokeAgent InvokeDataAutomationAsync InvokeFlow InvokeInlineAgent InvokeModelWithBidirectionalStream ListSessions PutInvocationStep Rerank Retrieve RetrieveAndGenerate StartAsyncInvoke StartFlowExecution
bedrock-agentcore BatchCreateMemoryRecords CreateEvent GetResourceOauth2Token InvokeAgentRuntime InvokeCodeInterpreter ListActors ProcessPayment RetrieveMemoryRecords StartBrowserSession
cassandra GetRecords GetShardIterator
cloudsearch Search Suggest UploadDocuments
dynamodb BatchGetItem GetItem GetRecords PutItem Query Scan TransactWriteItems UpdateItem
forecast QueryForecast QueryWhatIfForecast
gameliftstreams CreateStreamSessionConnection ExportStreamSessionFiles GetStreamSession ListStreamSessions ListStreamSessionsByAccount StartStreamSession TerminateStreamSession
geo BatchDeleteDevicePositionHistory BatchDeleteGeofence BatchEvaluateGeofences BatchGetDevicePosition BatchPutGeofence BatchUpdateDevicePosition ForecastGeofenceEvents GetDevicePosition GetDevicePositionHistory GetGeofence GetMapTile ListDevicePositions ListGeofences PutGeofence SearchPlaceIndexForText VerifyDevicePosition
geo-maps GetStaticMap GetTile
geo-places Autocomplete Geocode GetPlace ReverseGeocode SearchNearby SearchText Suggest
geo-routes CalculateIsolines CalculateRouteMatrix CalculateRoutes OptimizeWaypoints SnapToRoads
iot DeleteThingShadow GetRetainedMessage GetThingShadow ListNamedShadowsForThing ListRetainedMessages Publish UpdateThingShadow
iotjobsdata DescribeJobExecution GetPendingJobExecutions StartNextPendingJobExecution UpdateJobExecution
kinesis GetRecords PutRecord PutRecords SubscribeToShard
kinesisvideo GetClip GetDASHStreamingSessionURL GetHLSStreamingSessionURL GetIceServerConfig GetImages GetMedia GetMediaForFragmentList JoinStorageSession JoinStorageSessionAsViewer ListFragments SendAlexaOfferToMaster
lex DeleteSession GetSession PostContent PostText PutSession RecognizeText RecognizeUtterance StartConversation
mediastore DeleteObject DescribeObject GetObject ListItems PutObject
neptune-graph CancelQuery ExecuteQuery GetGraphSummary GetQuery ListQueries
networkflowmonitor GetQueryResultsMonitorTopContributors GetQueryResultsWorkloadInsightsTopContributors GetQueryResultsWorkloadInsightsTopContributorsData GetQueryStatusMonitorTopContributors GetQueryStatusWorkloadInsightsTopContributors GetQueryStatusWorkloadInsightsTopContributorsData StartQueryMonitorTopContributors StartQueryWorkloadInsightsTopContributors StartQueryWorkloadInsightsTopContributorsData StopQueryMonitorTopContributors StopQueryWorkloadInsightsTopContributors StopQueryWorkloadInsightsTopContributorsData
payment-cryptography DecryptData EncryptData GenerateCardValidationData GenerateMac GenerateMacEmvPinChange GeneratePinData ReEncryptData TranslatePinData VerifyAuthRequestCryptogram VerifyCardValidationData VerifyMac VerifyPinData
personalize GetActionRecommendations GetPersonalizedRanking GetRecommendations PutEvents PutItems PutUsers
sagemaker BatchGetMetrics BatchGetRecord BatchPutMetrics DeleteHumanLoop DeleteRecord GetDeviceRegistration GetRecord InvokeEndpoint InvokeEndpointAsync PutRecord SendHeartbeat StartHumanLoop
sdb BatchPutAttributes DeleteAttributes GetAttributes PutAttributes Select
signer GetRevocationStatus SignPayload
timestream CancelQuery PrepareQuery Query WriteRecords
workmailmessageflow GetRawMessageContent PutRawMessageContent
";

#[test]
fn no_operation_of_a_data_plane_is_a_management_event() {
    let catalog = Catalog::embedded();
    let (mut known, mut wrong) = (0, Vec::new());
    for line in DATA_PLANE.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let prefix = words.next().expect("a prefix");
        for operation in words {
            let mut actions: BTreeSet<ActionId> = catalog.id(&format!("{prefix}:{operation}")).into_iter().collect();
            if let Mapping::Actions(needs) = catalog.mapping(&format!("{prefix}.amazonaws.com"), operation) {
                actions.extend(needs.iter().filter(|need| need.certain).map(|need| need.action));
            }
            known += actions.len();
            for action in actions {
                if let Logging::Management { .. } = catalog.logging(action) {
                    wrong.push(format!("{prefix} {operation}: {}", catalog.name(action)));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(known > 150, "{known}");
}

#[test]
fn every_type_of_data_event_says_whose_calls_it_shows() {
    let text = data("mixed.tsv");
    let mut types = BTreeSet::new();
    for row in rows(&text) {
        let [what, prefixes, source] = row.as_slice() else {
            panic!("{row:?}")
        };
        assert!(!source.is_empty(), "{row:?}");
        for prefix in prefixes.split_ascii_whitespace() {
            assert!(!Catalog::embedded().service_range(prefix).is_empty(), "{prefix}");
        }
        if what.starts_with("AWS::") {
            types.insert(*what);
        }
    }
    assert!(types.len() >= 175, "{}", types.len());
    let logging = data("logging.tsv");
    for row in rows(&logging).filter(|row| row[1] == "data" || row[1] == "either") {
        // A prompt has its own name in the user guide of Bedrock.
        assert!(types.contains(row[2]) || row[2] == "AWS::Bedrock::Prompt", "{row:?}");
    }
}

#[test]
fn what_a_mixed_service_does_is_unknown_until_something_says_what_it_is() {
    let catalog = Catalog::embedded();
    let id = catalog.id("thinclient:CreateEnvironment").expect("an action");
    let Logging::Unknown { why } = catalog.logging(id) else {
        panic!("{:?}", catalog.logging(id))
    };
    assert!(why.contains("AWS::ThinClient::Device"), "{why}");
}

#[test]
fn an_event_shows_how_the_action_of_its_name_is_logged() {
    let check = |source: &str, name: &str, expected: Option<&str>| {
        let catalog = Catalog::embedded();
        let found = catalog.unsaid_action(&format!("{source}.amazonaws.com"), name);
        assert_eq!(found.map(|id| catalog.name(id)), expected, "{source} {name}");
    };
    check("lambda", "ListLayers20181031", Some("lambda:ListLayers"));
    check("thinclient", "CreateEnvironment", Some("thinclient:CreateEnvironment"));
    // A page says it already.
    check("ec2", "RunInstances", None);
    // Whether it is one or the other depends on what it is made on.
    check("rdsdata", "ExecuteStatement", None);
    check("bedrock", "InvokeModel", None);
    // It has another name than the action, which authorises other calls as well.
    check("s3", "HeadObject", None);
    check("nowhere", "GetAnything", None);
}

#[test]
fn logging_of_single_actions() {
    let check = |name: &str, expected: &str| {
        let catalog = Catalog::embedded();
        let found = match catalog.logging(catalog.id(name).unwrap()) {
            Logging::Management { read_only: true } => "management read".to_owned(),
            Logging::Management { read_only: false } => "management write".to_owned(),
            Logging::Data { resource_type } => resource_type,
            Logging::Never { .. } => "never".to_owned(),
            Logging::Unknown { .. } => "unknown".to_owned(),
        };
        assert_eq!(found, expected, "{name}");
    };
    check("s3:GetObject", "AWS::S3::Object");
    check("s3:GetObjectVersion", "AWS::S3::Object");
    check("s3:ListBucket", "AWS::S3::Object");
    check("s3:ListAllMyBuckets", "management read");
    check("s3:PutBucketPolicy", "management write");
    check("s3:PutEncryptionConfiguration", "management write");
    check("s3:ReplicateObject", "never");
    check("kms:Decrypt", "management read");
    check("kms:GenerateDataKeyPair", "management read");
    check("kms:CreateKey", "management write");
    check("iam:PassRole", "never");
    check("sts:TagSession", "never");
    check("sts:AssumeRole", "management read");
    check("logs:PutLogEvents", "never");
    check("lambda:InvokeFunction", "AWS::Lambda::Function");
    check("lambda:CreateFunction", "management write");
    check("lambda:GetLayerVersion", "unknown");
    check("lambda:GetCodeSigningConfig", "unknown");
    check("bedrock:CreateGuardrail", "management write");
    check("bedrock:Retrieve", "AWS::Bedrock::KnowledgeBase");
    check("sagemaker:CreateTrainingJob", "management write");
    check("sagemaker:BatchPutMetrics", "AWS::SageMaker::ExperimentTrialComponent");
    check("kinesisvideo:DescribeStream", "management read");
    check("kinesisvideo:GetMedia", "AWS::KinesisVideo::Stream");
    check("iot:CreateThing", "management write");
    check("iot:GetThingShadow", "never");
    check("iotjobsdata:UpdateJobExecution", "never");
    check("ebs:StartSnapshot", "management write");
    check("ebs:PutSnapshotBlock", "AWS::EC2::Snapshot");
    check("comprehend:DetectEntities", "management read");
    check("kendra:Query", "unknown");
    check("personalize:GetRecommendations", "unknown");
    check("thinclient:UpdateDevice", "unknown");
    check("sqs:GetQueueUrl", "AWS::SQS::Queue");
    check("kinesis:ListShards", "unknown");
    check("kinesis:DescribeStreamConsumer", "management read");
    check("states:SendTaskSuccess", "management write");
    check("states:StartSyncExecution", "AWS::StepFunctions::StateMachine");
    check("events:PutEvents", "AWS::Events::EventBus");
    check("ses:SendBounce", "unknown");
    check("logs:StartLiveTail", "management read");
    check("s3:PutObjectAnnotation", "AWS::S3::Object");
    check("ssmmessages:CreateDataChannel", "never");
    check("ssmmessages:OpenControlChannel", "AWS::SSMMessages::ControlChannel");
    check("rds-db:connect", "never");
    check("execute-api:Invoke", "never");
    check("apigateway:PATCH", "management write");
    // TestInvokeMethod, which it authorises too, is not logged.
    check("apigateway:POST", "unknown");
    check("bedrock-agentcore:CreateGateway", "management write");
    check("bedrock-agentcore:CreateGatewayRule", "unknown");
    check("bedrock-agentcore:StartBrowserSession", "unknown");
    check("mobiletargeting:CreateApp", "management write");
    check("mobiletargeting:CreateInAppTemplate", "unknown");
    check("mediastore:PutCorsPolicy", "management write");
    check("mediastore:PutLifecyclePolicy", "unknown");
    check("quicksight:DescribeApprovalPolicy", "management read");
    check("quicksight:DescribeAppPermissions", "unknown");
    check("quicksight:CreateNamespace", "management write");
    check("quicksight:CreateSpace", "unknown");
    check("signer:PutSigningProfile", "unknown");
    check("ec2-instance-connect:SendSerialConsoleSSHPublicKey", "management write");
    check("codecommit:GitPull", "management read");
    // An archive held them as management events, although no page lists them.
    check("ssm:UpdateInstanceInformation", "management write");
    check("lambda:ListVersionsByFunction", "management read");
    check("rds:DescribeRecommendations", "management read");
    check("ec2:RunInstances", "management write");
    check("dynamodb:PartiQLSelect", "AWS::DynamoDB::Table");
}
