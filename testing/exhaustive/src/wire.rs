//! The other end of the function's calls: an HTTP client that keeps each call until it is answered.
//! The simulated AWS answers a call when it arrives and from one state; here calls wait for one
//! another, and an answer may be of an earlier state.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::names::{
    SERVICE, Set, TARGETS, TASKS, deployment, members, place_of, seconds, target, target_xml, task,
};
use crate::stage::Stage;

/// A call, with everything that the answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    DescribeTasks(Set),
    ListTasks {
        stopped: bool,
    },
    DescribeTargetHealth,
    RegisterTargets(Set),
    DeregisterTargets(Set),
    DescribeServices,
    GetTaskProtection(Set),
    /// UpdateTaskProtection for so many minutes, or to clear it.
    UpdateTaskProtection(Set, Option<u8>),
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The stages that ECS shows, and the addresses of the tasks as targets.
    Tasks {
        stages: [Stage; TASKS],
        targets: [u8; TASKS],
        has_early_address: bool,
    },
    Listed(Set),
    Targets {
        present: Set,
        drained: Set,
        healthy: Set,
    },
    Service,
    /// Until which minute each task is protected, and which tasks are no longer there.
    Protections {
        until: [u8; TASKS],
        gone: Set,
    },
    Written,
    /// One of the targets is bad.
    Refused,
    /// The call failed for good. All tries of the SDK count as one call.
    Failed,
}

/// A call that was made, and the way back if it waits.
type Made = (Call, Option<oneshot::Sender<Reply>>);

/// The calls that were made.
#[derive(Clone, Debug, Default)]
pub struct Inbox(Arc<Mutex<Vec<Made>>>);

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Vec<Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls that wait, each with its number.
    pub fn waiting(&self) -> Vec<(usize, Call)> {
        let calls = self.lock();
        let waiting = calls
            .iter()
            .enumerate()
            .filter(|(_, (_, back))| back.as_ref().is_some_and(|back| !back.is_closed()));
        waiting.map(|(number, (call, _))| (number, *call)).collect()
    }

    /// Answers the call of this number.
    pub fn answer(&self, number: usize, reply: Reply) {
        let back = self.lock()[number].1.take();
        let sent = back.map(|back| back.send(reply));
        assert_eq!(sent, Some(Ok(())), "call {number} does not wait");
    }

    /// An HTTP client whose calls arrive here.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }
}

impl HttpClient for Inbox {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Inbox {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = read(&request);
        let (back, answer) = oneshot::channel();
        self.lock().push((call, Some(back)));
        HttpConnectorFuture::new(async move {
            let reply = answer.await.map_err(|closed| ConnectorError::user(closed.into()))?;
            write(call, reply)
        })
    }
}

fn read(request: &HttpRequest) -> Call {
    let body = request.body().bytes().unwrap_or_default();
    let Some(action) = request.headers().get("x-amz-target") else { return read_form(body) };
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    let tasks = input["tasks"].as_array().into_iter().flatten();
    let places = tasks.filter_map(|arn| place_of(arn.as_str()?));
    let tasks = places.fold(0, |set: Set, place| set | 1 << place);
    let minutes = || input["expiresInMinutes"].as_u64().and_then(|m| u8::try_from(m).ok());
    match action.rsplit('.').next() {
        Some("DescribeTasks") => Call::DescribeTasks(tasks),
        Some("ListTasks") => Call::ListTasks { stopped: input["desiredStatus"] == "STOPPED" },
        Some("DescribeServices") => Call::DescribeServices,
        Some("GetTaskProtection") => Call::GetTaskProtection(tasks),
        Some("UpdateTaskProtection") => {
            let minutes = minutes().filter(|_| input["protectionEnabled"] == true);
            Call::UpdateTaskProtection(tasks, minutes)
        }
        _ => panic!("{action} is not modelled"),
    }
}

fn read_form(body: &[u8]) -> Call {
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let get = |name: &str| form.iter().find(|(own, _)| own == name).map(|(_, v)| v.as_str());
    let member = |n: usize, field: &str| get(&format!("Targets.member.{n}.{field}"));
    let named = (1..).map_while(|n| Some((member(n, "Id")?, member(n, "Port"))));
    let places = named.filter_map(|(id, port)| target(id, port));
    let targets = places.fold(0, |set: Set, place| set | 1 << place);
    match get("Action") {
        Some("RegisterTargets") => Call::RegisterTargets(targets),
        Some("DeregisterTargets") => Call::DeregisterTargets(targets),
        Some("DescribeTargetHealth") => Call::DescribeTargetHealth,
        action => panic!("{action:?} is not modelled"),
    }
}

fn write(call: Call, reply: Reply) -> Result<HttpResponse, ConnectorError> {
    let is_elb = matches!(
        call,
        Call::RegisterTargets(_) | Call::DeregisterTargets(_) | Call::DescribeTargetHealth
    );
    let error = match reply {
        Reply::Refused => Some("ValidationError"),
        Reply::Failed => Some("Failed"),
        _ => None,
    };
    let body = match (is_elb, error) {
        (true, None) => xml(call, reply),
        (true, Some(code)) => {
            format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>")
        }
        (false, None) => json(call, reply).to_string(),
        (false, Some(code)) => json!({"__type": code}).to_string(),
    };
    let response = http::Response::builder()
        .status(if error.is_some() { 400 } else { 200 })
        .body(SdkBody::from(body))
        .map_err(|error| ConnectorError::user(error.into()))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
}

fn xml(call: Call, reply: Reply) -> String {
    let action = match call {
        Call::RegisterTargets(_) => "RegisterTargets",
        Call::DeregisterTargets(_) => "DeregisterTargets",
        _ => "DescribeTargetHealth",
    };
    let Reply::Targets { present, drained, healthy } = reply else {
        return format!("<{action}Response><{action}Result/></{action}Response>");
    };
    let shown = (0..TARGETS).filter_map(|target| {
        let state = match 1 << target {
            bit if present & healthy & bit != 0 => "healthy",
            bit if present & bit != 0 => "initial",
            bit if drained & bit != 0 => "draining",
            _ => return None,
        };
        let health = format!("<TargetHealth><State>{state}</State></TargetHealth>");
        Some(format!("<member>{}{health}</member>", target_xml(target)))
    });
    let shown: String = shown.collect();
    format!(
        "<{action}Response><{action}Result><TargetHealthDescriptions>{shown}\
         </TargetHealthDescriptions></{action}Result></{action}Response>"
    )
}

fn json(call: Call, reply: Reply) -> Value {
    match (call, reply) {
        (Call::DescribeTasks(asked), Reply::Tasks { stages, targets, has_early_address }) => {
            let known = |place: &usize| stages[*place].is_known();
            let (known, unknown): (Vec<_>, Vec<_>) = members(asked).partition(known);
            let described = known.into_iter().map(|place| {
                let stage = stages[place];
                let address = (has_early_address || stage != Stage::Starting)
                    .then(|| crate::names::address(targets[place].into()));
                stage.describe(place, address)
            });
            let missing = unknown.into_iter();
            let missing =
                missing.map(|place| json!({"arn": task(place).arn(), "reason": "MISSING"}));
            json!({
                "tasks": described.collect::<Vec<_>>(),
                "failures": missing.collect::<Vec<_>>(),
            })
        }
        (_, Reply::Listed(tasks)) => {
            json!({"taskArns": members(tasks).map(|place| task(place).arn()).collect::<Vec<_>>()})
        }
        (_, Reply::Service) => service(),
        (
            Call::GetTaskProtection(asked) | Call::UpdateTaskProtection(asked, _),
            Reply::Protections { until, gone },
        ) => {
            let (gone, there): (Vec<_>, Vec<_>) =
                members(asked).partition(|place| gone & 1 << place != 0);
            let shown = there.into_iter().map(|place| {
                let mut shown = json!({"taskArn": task(place).arn()});
                shown["protectionEnabled"] = json!(until[place] > 0);
                if until[place] > 0 {
                    shown["expirationDate"] = json!(seconds(until[place]));
                }
                shown
            });
            let gone = gone.into_iter();
            let gone = gone.map(|p| json!({"arn": task(p).arn(), "reason": "MISSING"}));
            json!({
                "protectedTasks": shown.collect::<Vec<_>>(),
                "failures": gone.collect::<Vec<_>>(),
            })
        }
        (call, reply) => panic!("{reply:?} is no answer to {call:?}"),
    }
}

/// The service in a deployment that began at minute 0.
fn service() -> Value {
    json!({"services": [{
        "serviceArn": SERVICE,
        "desiredCount": 1,
        "schedulingStrategy": "REPLICA",
        "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200},
        "deployments": [
            {"id": deployment(1), "status": "PRIMARY", "createdAt": seconds(0)},
            {"id": deployment(0), "status": "ACTIVE", "createdAt": seconds(0) - 86_400},
        ],
    }]})
}
