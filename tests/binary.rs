//! The real binary under a Lambda Runtime API, calling the simulated AWS over loopback.

mod common;

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use aws_sim::Action::{DeregisterTargets, DescribeTasks, ListTasks, RegisterTargets};
use aws_sim::{Answer, Aws, Fault, Function, Server, TargetGroup};
use common::{PORT, address, batch, binding, failures, ids, task};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_ecs-ipv6-targets");
const JSON_LOG: (&str, &str) = ("AWS_LAMBDA_LOG_FORMAT", "JSON");

/// The simulated AWS on loopback, with a function of one binding.
struct World {
    aws: Aws,
    group: String,
    function: Function,
    _server: Server,
}

impl World {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
        let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let bindings = json!([binding(&group, None)]).to_string();
        let environment = [&[("BINDINGS", bindings.as_str())], settings].concat();
        let function = Function::start(BINARY, &server.url(), &environment).await.unwrap();
        Self { aws, group, function, _server: server }
    }

    async fn succeed(&self, payload: &Value) -> Value {
        match self.function.invoke(payload).await {
            Answer::Success(answer) => answer,
            error => panic!("{error:?}, log: {:?}", self.function.logs()),
        }
    }

    async fn fail(&self, payload: &Value) -> (String, String) {
        match self.function.invoke(payload).await {
            Answer::Error { error_type, error_message } => (error_type, error_message),
            success => panic!("{success:?}"),
        }
    }

    /// The log without the metrics, once a line like this has come through the pipe.
    async fn log_until(&self, awaited: impl Fn(&Value) -> bool) -> Vec<Value> {
        let awaited = |lines: &[String]| {
            let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
            let lines: Vec<Value> = lines.filter(|line: &Value| line["_aws"].is_null()).collect();
            lines.iter().any(&awaited).then_some(lines)
        };
        self.function.logs_until(awaited).await
    }

    fn target_count(&self) -> usize {
        self.aws.registered(&self.group).len()
    }
}

#[tokio::test]
async fn it_registers_deregisters_and_survives_a_late_start() {
    let world = World::new(&[]).await;
    world.aws.put_task(&task(0));
    let start = task(0).event(SystemTime::now());
    let report = world.succeed(&start).await;
    assert_eq!((ids(&report, "registered").len(), world.target_count()), (1, 1));

    world.aws.put_task(&task(0).deactivating());
    let report = world.succeed(&task(0).deactivating().event(SystemTime::now())).await;
    assert_eq!((ids(&report, "deregistered").len(), world.target_count()), (1, 0));

    world.succeed(&start).await;
    assert_eq!(world.target_count(), 0);
}

#[tokio::test]
async fn it_plays_the_sample_events_of_long_ago() {
    let world = World::new(&[]).await;
    for (sample, targets) in [
        ("task-provisioning.json", 0),
        ("task-running.json", 1),
        ("task-running-second.json", 2),
        ("task-bridge.json", 2),
        ("task-without-ipv6.json", 2),
        ("task-other-service.json", 2),
        ("task-deactivating.json", 1),
        ("task-running.json", 1),
        ("task-stopped.json", 1),
    ] {
        let path = format!("{}/events/{sample}", env!("CARGO_MANIFEST_DIR"));
        let event: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        world.aws.observe(&event).unwrap();
        world.succeed(&event).await;
        assert_eq!(world.target_count(), targets, "after {sample}");
    }
}

#[tokio::test]
async fn it_returns_only_the_poison_message_of_a_batch() {
    let world = World::new(&[]).await;
    world.aws.put_task(&task(0));
    let bodies = ["poison".to_owned(), task(0).event(SystemTime::now()).to_string()];
    let answer = world.succeed(&batch(bodies.into_iter())).await;
    assert_eq!((failures(&answer), world.target_count()), (vec!["m0"], 1));
}

#[tokio::test]
async fn it_reconciles_plans_and_then_rests() {
    let world = World::new(&[]).await;
    world.aws.put_task(&task(0));
    world.aws.put_target(&world.group, &address(1), PORT);
    world.aws.put_task(&task(1).stopped());
    world.aws.put_target(&world.group, "2001:db8::9:9", PORT);

    let plan = world.succeed(&json!({"action": "plan"})).await;
    assert_eq!((ids(&plan, "registered"), ids(&plan, "deregistered")), adopted_and_removed());
    assert_eq!(world.target_count(), 2);

    let report = world.succeed(&aws_sim::events::scheduled(SystemTime::now())).await;
    assert_eq!((ids(&report, "registered"), ids(&report, "deregistered")), adopted_and_removed());
    assert_eq!(ids(&report, "unowned"), ["2001:db8::9:9"]);
    assert_eq!(world.target_count(), 2);

    world.aws.take_calls();
    let report = world.succeed(&json!({"action": "reconcile"})).await;
    assert_eq!((ids(&report, "registered").len(), ids(&report, "deregistered").len()), (0, 0));
    let calls = world.aws.take_calls();
    assert!(calls.iter().all(|call| ![RegisterTargets, DeregisterTargets].contains(&call.action)));

    world.aws.fault(Fault::on(ListTasks).access_denied());
    let (kind, message) = world.fail(&json!({"action": "reconcile"})).await;
    assert_eq!(kind, "TargetsFailed");
    assert!(message.contains("ListTasks: AccessDenied"), "{message}");
    assert_eq!(world.target_count(), 2);
}

#[tokio::test]
async fn it_explains_a_task_and_writes_nothing() {
    let world = World::new(&[]).await;
    world.aws.put_task(&task(0));
    let answer = world.succeed(&json!({"action": "explain", "task": task(0).id()})).await;
    assert_eq!(answer["task"]["taskArn"], json!(task(0).arn()));
    let target = &answer["bindings"][0];
    assert_eq!((&target["state"], &target["would"]), (&json!("absent"), &json!("register")));
    assert_eq!((&target["id"], &target["port"]), (&json!(address(0)), &json!(PORT)));
    assert_eq!(world.target_count(), 0);
}

#[tokio::test]
async fn it_shows_a_dashboard_what_is_served_and_what_the_page_is() {
    let world = World::new(&[]).await;
    world.aws.put_task(&task(0));
    let page = world.succeed(&json!({"widgetContext": {"theme": "dark"}})).await;
    let page = page.as_str().unwrap();
    assert!(page.contains("gets no IPv6 clients") && page.contains(&address(0)), "{page}");
    let described = world.succeed(&json!({"describe": true})).await;
    assert!(described["markdown"].is_string());
    assert_eq!(world.target_count(), 0);
}

fn adopted_and_removed() -> (Vec<&'static str>, Vec<&'static str>) {
    (vec!["2001:db8::1:1"], vec!["2001:db8::1:2"])
}

#[tokio::test]
async fn each_service_can_have_an_endpoint_of_its_own() {
    let ecs = Aws::new().serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = ecs.url();
    let world = World::new(&[("AWS_ENDPOINT_URL_ECS", url.as_str())]).await;
    world.aws.put_task(&task(0));
    // The other ECS does not know the task, so its target is taken away again.
    let report = world.succeed(&task(0).event(SystemTime::now())).await;
    assert_eq!(report["skipped"][0]["reason"], "gone");

    let elb = ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", url.as_str());
    let world = World::new(&[elb]).await;
    let (_, message) = world.fail(&task(0).event(SystemTime::now())).await;
    assert!(message.contains("TargetGroupNotFound"), "{message}");
}

#[tokio::test]
async fn its_errors_have_stable_types() {
    let world = World::new(&[]).await;
    let (kind, message) = world.fail(&json!({"action": "dance"})).await;
    assert_eq!(kind, "UnknownInput");
    assert!(message.contains("ECS Task State Change"), "{message}");

    let mut unreadable = task(0).event(SystemTime::now());
    unreadable["detail"]["taskArn"] = json!("no ARN");
    let (kind, message) = world.fail(&unreadable).await;
    assert_eq!(kind, "UnreadableEvent");
    assert!(message.contains("taskArn"), "{message}");

    world.aws.fault(Fault::on(RegisterTargets).access_denied());
    world.aws.put_task(&task(0));
    let (kind, message) = world.fail(&task(0).event(SystemTime::now())).await;
    assert_eq!(kind, "TargetsFailed");
    for named in [&task(0).arn(), &world.group, "AccessDenied"] {
        assert!(message.contains(named), "{message}");
    }
}

#[tokio::test]
async fn it_answers_before_its_deadline_although_aws_hangs() {
    let world = World::new(&[]).await;
    world.aws.fault(Fault::on(DescribeTasks).hang(Duration::from_secs(60)));
    let old = task(0).event(SystemTime::now() - Duration::from_secs(300)).to_string();
    let payload = batch([old].into_iter());
    match world.function.invoke_within(&payload, Duration::from_secs(2)).await {
        Answer::Success(answer) => assert_eq!(failures(&answer), ["m0"]),
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_deadline_in_1970_does_not_stop_it() {
    let world = World::new(&[]).await;
    world.aws.put_task(&task(0));
    let start = task(0).event(SystemTime::now());
    let answer = world.function.invoke_with_deadline_ms(&start, 600_000).await;
    assert!(matches!(answer, Answer::Success(_)), "{answer:?}");
    assert_eq!(world.target_count(), 1);
}

#[tokio::test]
async fn it_logs_one_structured_line_per_invocation() {
    let world = World::new(&[JSON_LOG, ("AWS_LAMBDA_LOG_LEVEL", "INFO")]).await;
    world.aws.put_task(&task(0));
    world.succeed(&task(0).event(SystemTime::now())).await;
    world.succeed(&task(1).service("other-service").event(SystemTime::now())).await;
    let lines = world.log_until(|line| line["fields"]["skipped"] == 1).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    let fields = &lines[0]["fields"];
    assert_eq!((&fields["input"], &fields["registered"]), (&json!("event"), &json!(1)));
    assert!(fields["registered_targets"].as_str().unwrap().contains("2001:db8::1:1"), "{fields}");
    let fields = &lines[1]["fields"];
    assert_eq!(fields["skipped_for"], "no-binding=1");
    assert_eq!(fields["skipped_tasks"], format!("task {}: no-binding", task(1).id()));
}

#[tokio::test]
async fn at_debug_it_logs_the_single_steps() {
    let world = World::new(&[JSON_LOG, ("AWS_LAMBDA_LOG_LEVEL", "DEBUG")]).await;
    world.aws.put_task(&task(0));
    world.succeed(&task(0).event(SystemTime::now())).await;
    let lines = world.log_until(|line| line["fields"]["registered"] == 1).await;
    let log = Value::from(lines.clone()).to_string();
    assert!(log.contains("writing targets") && log.contains("DescribeTasks"), "{log}");
    // The libraries beneath have some 20 lines for each call.
    assert!(lines.len() < 10, "{log}");
}

#[tokio::test]
async fn at_error_it_logs_failures_only() {
    let world = World::new(&[JSON_LOG, ("AWS_LAMBDA_LOG_LEVEL", "ERROR")]).await;
    world.succeed(&task(1).service("other-service").event(SystemTime::now())).await;
    world.succeed(&batch(["poison".to_owned()].into_iter())).await;
    let lines = world.log_until(|line| line["fields"]["unreadable"] == 1).await;
    assert!(lines.iter().all(|line| line["level"] == "ERROR"), "{lines:?}");
}

#[tokio::test]
async fn it_emits_metrics_in_lines_of_their_own_whatever_the_log_is_like() {
    for format in ["JSON", "Text"] {
        let settings = [("AWS_LAMBDA_LOG_FORMAT", format), ("AWS_LAMBDA_LOG_LEVEL", "ERROR")];
        let world = World::new(&settings).await;
        world.succeed(&task(1).service("other-service").event(SystemTime::now())).await;
        world.succeed(&batch(["poison".to_owned()].into_iter())).await;
        let failed = |lines: &[String]| {
            let documents = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
            let metrics: Vec<Value> =
                documents.filter(|line: &Value| line["_aws"].is_object()).collect();
            metrics.iter().any(|line| line["Failed"] == 1).then_some(metrics)
        };
        let metrics = world.function.logs_until(failed).await;
        assert!(metrics.iter().any(|line| line["Reason"] == "no-binding"), "{metrics:?}");
        assert!(metrics.iter().all(|line| line["FunctionName"] == "ecs-ipv6-targets"));
    }
}

/// A JSON line without a time counts as INFO for Lambda, whatever its level says.
#[tokio::test]
async fn every_line_of_a_json_log_has_its_time() {
    let world = World::new(&[JSON_LOG]).await;
    world.succeed(&batch(["poison".to_owned()].into_iter())).await;
    for line in world.log_until(|line| line["fields"]["unreadable"] == 1).await {
        let time = line["timestamp"].as_str().unwrap();
        time.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    }
}

/// A mistake in the settings, and what the one line about it has to say.
struct Mistake {
    variable: &'static str,
    value: String,
    says: &'static [&'static str],
}

const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09";

fn mistakes() -> Vec<Mistake> {
    let valid = || json!({"cluster": "c", "service": "s", "targetGroupArn": GROUP, "port": 80});
    let entry = |field: &str, value: Value| {
        let mut entry = valid();
        entry[field] = value;
        json!([entry]).to_string()
    };
    let bindings = |value: String, says| Mistake { variable: "BINDINGS", value, says };
    let other = |variable, value: &str, says| Mistake { variable, value: value.to_owned(), says };
    let with = |field, value, says| bindings(entry(field, value), says);
    let by_role = |fields: Value| {
        let mut entry = valid();
        entry["roleArn"] = json!("arn:aws:iam::123456789012:role/r");
        entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!([entry]).to_string()
    };
    let group = |from: &str, to: &str| json!(GROUP.replace(from, to));
    vec![
        bindings(String::new(), &["BINDINGS: not set", "targetGroupArn"]),
        bindings("[{".to_owned(), &["BINDINGS: not a JSON array", "line 1 column"]),
        bindings("{}".to_owned(), &["BINDINGS: not a JSON array"]),
        bindings("[]".to_owned(), &["BINDINGS: holds no binding"]),
        bindings("[7]".to_owned(), &["BINDINGS[0]: ", "give cluster, service"]),
        bindings(
            json!([["c", "s", null, GROUP, 80]]).to_string(),
            &["BINDINGS[0]: ", "expected an object", "give cluster, service"],
        ),
        with("prot", json!(1), &["BINDINGS[0]: unknown field `prot`", "targetGroupArn"]),
        with("cluster", json!(null), &["BINDINGS[0].cluster: missing"]),
        with("cluster", json!("a b"), &["BINDINGS[0].cluster: \"a b\"", "name or its ARN"]),
        with("service", json!(null), &["BINDINGS[0]: neither service nor family"]),
        with("family", json!("f"), &["BINDINGS[0]: both service and family"]),
        with("service", json!("service:s"), &["BINDINGS[0].service: ", "bare name"]),
        with("targetGroupArn", json!(null), &["BINDINGS[0].targetGroupArn: missing"]),
        with("targetGroupArn", json!("arn:aws"), &["is a malformed ARN", "describe-target-groups"]),
        with(
            "targetGroupArn",
            group("targetgroup/demo-ipv6", "loadbalancer/net/demo"),
            &["BINDINGS[0].targetGroupArn: ", "is not an ELBv2 target group"],
        ),
        with(
            "targetGroupArn",
            json!("arn:aws:vpc-lattice:us-east-2:123456789012:service/svc-0a1b2c3d4e5f60718"),
            &["is not an ELBv2 target group, nor one of VPC Lattice"],
        ),
        with(
            "targetGroupArn",
            group("us-east-2", "eu-west-1"),
            &["the target group is in eu-west-1, the function in us-east-2"],
        ),
        with(
            "cluster",
            json!("arn:aws:ecs:eu-west-1:123456789012:cluster/c"),
            &["the cluster is in eu-west-1, the function in us-east-2"],
        ),
        with("roleArn", json!("role/r"), &["BINDINGS[0].roleArn: \"role/r\" is not the ARN", "give"]),
        with("roleArn", json!(7), &["BINDINGS[0].roleArn: \"7\" is not the ARN of an IAM role"]),
        with(
            "roleArn",
            json!("arn:aws:iam::222222222222:role/r"),
            &["the role is in account 222222222222, the group in 123456789012", "give a role"],
        ),
        with("externalId", json!("prod"), &["BINDINGS[0].externalId: given without roleArn"]),
        bindings(by_role(json!({"externalId": "a"})), &["BINDINGS[0].externalId: not 2 to 1,224"]),
        bindings(by_role(json!({"externalId": "a b"})), &["letters, digits", "leave it out"]),
        bindings(by_role(json!({"externalId": 77})), &["BINDINGS[0].externalId: not 2 to 1,224"]),
        with("zone", json!("us-east-2a"), &["BINDINGS[0].zone: \"us-east-2a\" is not \"all\""]),
        with("zone", json!(true), &["BINDINGS[0].zone: \"true\"", "in a peered VPC"]),
        bindings(
            json!([{"cluster": "c", "service": "t", "targetGroupArn": GROUP, "zone": "all"}, valid()])
                .to_string(),
            &["BINDINGS[1].zone: not that of BINDINGS[0]", "same target group", "both the same"],
        ),
        with("port", json!(0), &["BINDINGS[0].port: \"0\" is not a port", "1 to 65535"]),
        with("port", json!(65536), &["BINDINGS[0].port: \"65536\" is not a port"]),
        with("port", json!("80"), &["BINDINGS[0].port: ", "give a number"]),
        bindings(
            json!([valid(), valid()]).to_string(),
            &["BINDINGS[1]: the same binding as BINDINGS[0]", "remove one"],
        ),
        other("PRUNE", "some", &["PRUNE: \"some\" is not known", "proven, all or never"]),
        other("DRY_RUN", "yes", &["DRY_RUN: \"yes\"", "true or false"]),
        other("AWS_REGION", "", &["AWS_REGION: not set"]),
        other("AWS_CA_BUNDLE", "/no/such/file", &["AWS_CA_BUNDLE: ", "PEM certificates"]),
    ]
}

#[tokio::test]
async fn every_mistake_in_the_settings_stops_the_start_with_one_line() {
    for Mistake { variable, value, says } in mistakes() {
        let valid = json!([binding(GROUP, None)]).to_string();
        let environment = [("BINDINGS", valid.as_str()), (variable, value.as_str())];
        let nowhere = "http://127.0.0.1:9";
        let function = Function::start(BINARY, nowhere, &environment).await.unwrap();
        let exit = tokio::time::timeout(Duration::from_secs(20), function.wait_exit());
        let Ok((status, lines)) = exit.await else { panic!("{variable}={value} is accepted") };
        assert_eq!(status.code(), Some(1), "{variable}={value}: {lines:?}");
        let [line] = &lines[..] else { panic!("{variable}={value}: not one line: {lines:?}") };
        for part in says {
            assert!(line.contains(part), "{variable}={value}: {part:?} is missing in {line:?}");
        }
    }
}
