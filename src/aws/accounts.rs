//! By whose credentials target groups are read and changed: the function's own, or those of a role
//! in the account that owns the group. Each account has ELB's rates for itself.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_sdk_ecs::config::SharedCredentialsProvider;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::config::Builder;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::timeout_at;

use crate::aws::call::{too_late, within};
use crate::aws::endpoints::ELB;
use crate::aws::rate_limits::{AdaptiveRates, Kind, Limits};
use crate::aws::signed_call::{Request, SignedClient};
use crate::aws::sts::{ASSUME_ROLE, Sts};
use crate::aws::traffic::Counter;
use crate::aws::xml::Element;
use crate::core::access::{Accesses, Role};
use crate::core::binding::TargetGroupArn;
use crate::core::failure::Failure;

/// How long before their end credentials are replaced.
const EARLY: Duration = Duration::from_secs(5 * 60);

/// The version of Elastic Load Balancing's API (ELB API reference).
const VERSION: &str = "2015-12-01";

/// Tells what time it is.
pub type Now = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Calls Elastic Load Balancing with some credentials.
#[derive(Clone, Debug)]
pub struct ElbClient {
    /// By the SDK's client, what runs often.
    pub sdk: Client,
    /// By signed calls, what is seldom read: seven operations of the SDK's client would make the
    /// package larger by a twentieth.
    calls: SignedClient,
}

impl ElbClient {
    /// A client with these settings; `counter` counts its requests.
    pub fn new(sdk: &SdkConfig, counter: &Counter) -> Self {
        let settings = Builder::from(sdk).interceptor(counter.clone()).build();
        Self {
            sdk: Client::from_conf(settings),
            calls: SignedClient::new(sdk, &ELB, counter.clone()),
        }
    }
}

/// The clients for Elastic Load Balancing of all accounts that own target groups.
#[derive(Clone, Debug)]
pub struct Accounts {
    own: ElbClient,
    accesses: Arc<Accesses>,
    roles: Arc<BTreeMap<Role, Arc<Assumed>>>,
}

/// A role with its client, while it has one.
struct Assumed {
    role: Role,
    sts: Sts,
    sdk: SdkConfig,
    now: Now,
    counter: Counter,
    rates: Arc<AdaptiveRates>,
    /// How many times the role was tried to be assumed.
    tries: AtomicU64,
    last: Mutex<Last>,
}

/// The last results of trying.
#[derive(Default)]
struct Last {
    /// The client with the number of its try, and until when it serves.
    client: Option<(u64, ElbClient, SystemTime)>,
    refused: Option<(u64, Failure)>,
}

/// What calls about one target group are made with.
#[derive(Debug)]
pub struct Reached {
    /// The client with the credentials for the group.
    pub client: ElbClient,
    /// Whether its targets are in zone `all`.
    pub all_zones: bool,
    limits: Limits,
    assumed: Option<(Arc<Assumed>, u64)>,
}

impl Accounts {
    /// The function's own account, by this client.
    pub fn own(own: ElbClient) -> Self {
        Self { own, accesses: Arc::default(), roles: Arc::default() }
    }

    /// The same, and the accounts of all roles by which groups are reached. Requests are counted
    /// together with those of `counter`.
    pub fn with_roles(
        self,
        accesses: Accesses,
        sdk: &SdkConfig,
        function: &str,
        counter: &Counter,
        now: &Now,
    ) -> Self {
        let mut rates = BTreeMap::<String, (Counter, Arc<AdaptiveRates>)>::new();
        let sts = Sts::new(sdk, function, counter.of_another_service());
        let assumed = |role: &Role| {
            let (counter, rates) = rates.entry(role.account().to_owned()).or_insert_with(|| {
                let counter = counter.of_another_service();
                let rates = AdaptiveRates::new(&counter, &counter, &counter);
                (counter, Arc::new(rates))
            });
            let assumed = Assumed {
                role: role.clone(),
                sts: sts.clone(),
                sdk: sdk.clone(),
                now: now.clone(),
                counter: counter.clone(),
                rates: rates.clone(),
                tries: AtomicU64::new(0),
                last: Mutex::default(),
            };
            (role.clone(), Arc::new(assumed))
        };
        let roles = accesses.values().filter_map(|access| access.role.as_ref());
        let roles = roles.map(assumed).collect();
        Self { own: self.own, accesses: Arc::new(accesses), roles: Arc::new(roles) }
    }

    /// The role by which a group is reached; `None` if it is the function's own.
    pub fn role(&self, group: &TargetGroupArn) -> Option<&Role> {
        self.accesses.get(group)?.role.as_ref()
    }

    /// Whether the targets of a group are in zone `all`.
    pub fn has_all_zones(&self, group: &TargetGroupArn) -> bool {
        self.accesses.get(group).is_some_and(|access| access.all_zones)
    }

    /// The place of that role among all roles.
    pub fn number_of_role(&self, group: &TargetGroupArn) -> Option<usize> {
        let role = self.role(group)?;
        self.roles.keys().position(|known| known == role)
    }

    /// The same time, and the rates of the account that owns a group.
    pub fn limits_for(&self, group: &TargetGroupArn, limits: &Limits) -> Limits {
        self.assumed(group).map_or_else(|| limits.clone(), |assumed| assumed.limits(limits))
    }

    /// The role by which a group is reached, if it needs one.
    fn assumed(&self, group: &TargetGroupArn) -> Option<&Arc<Assumed>> {
        self.roles.get(self.role(group)?)
    }

    /// What calls about a group are made with, within these limits; without a group, calls about
    /// anything in the function's own account. Assumes the role of the group if need be.
    pub async fn reach(
        &self,
        group: impl Into<Option<&TargetGroupArn>>,
        limits: &Limits,
    ) -> Result<Reached, Failure> {
        let group = group.into();
        let all_zones = group.is_some_and(|group| self.has_all_zones(group));
        let Some(assumed) = group.and_then(|group| self.assumed(group)) else {
            let (client, limits) = (self.own.clone(), limits.clone());
            return Ok(Reached { client, all_zones, limits, assumed: None });
        };
        // Boxed, because every future around a call would hold this one too.
        let client: BoxFuture<'_, _> = Box::pin(assumed.client(limits));
        let (number, client) = client.await?;
        let limits = assumed.limits(limits);
        let assumed = Some((assumed.clone(), number));
        Ok(Reached { client, all_zones, limits, assumed })
    }
}

impl Assumed {
    /// The same time, and the rates of the role's account.
    fn limits(&self, limits: &Limits) -> Limits {
        limits.in_account(self.role.account(), &self.rates)
    }

    /// The role's client and the number of the try that made it. Who asks while another is trying
    /// waits for that. A refusal is shared with those who asked before the try began, and with
    /// nobody later.
    async fn client(&self, limits: &Limits) -> Result<(u64, ElbClient), Failure> {
        let before = self.tries.load(Ordering::Relaxed);
        let last = timeout_at(limits.deadline.instant(), self.last.lock()).await;
        let mut last = last.map_err(|_| too_late(ASSUME_ROLE))?;
        match &*last {
            Last { client: Some((number, client, until)), .. } if (self.now)() < *until => {
                return Ok((*number, client.clone()));
            }
            Last { refused: Some((number, failure)), .. } if *number > before => {
                return Err(failure.clone());
            }
            _ => {}
        }
        let number = self.tries.fetch_add(1, Ordering::Relaxed) + 1;
        // Who waits for this may have more time for a call.
        match self.sts.assume(&self.role, &limits.with_whole_calls()).await {
            Ok(session) => {
                let until = session.expires.checked_sub(EARLY).unwrap_or(session.expires);
                let credentials = SharedCredentialsProvider::new(session.credentials);
                let settings = self.sdk.clone().into_builder().credentials_provider(credentials);
                // The shared one would keep credentials that are long replaced.
                let settings = settings.identity_cache(IdentityCache::no_cache());
                let client = ElbClient::new(&settings.build(), &self.counter);
                *last = Last { client: Some((number, client.clone(), until)), refused: None };
                Ok((number, client))
            }
            Err(failure) => {
                *last = Last { client: None, refused: Some((number, failure.clone())) };
                Err(failure)
            }
        }
    }

    /// Forgets the client of that try, so that the next call assumes the role again.
    async fn forget(&self, number: u64) {
        let mut last = self.last.lock().await;
        last.client.take_if(|(of, ..)| *of == number);
    }
}

impl Debug for Assumed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Assumed").field(&self.role).finish_non_exhaustive()
    }
}

impl Reached {
    /// Makes a call when it is due (see [`within`]). Credentials that ELB refuses are not used
    /// again: the role may have been taken away, or made anew.
    pub async fn within<T, E, R>(
        &self,
        kind: Kind,
        action: &'static str,
        call: impl Future<Output = Result<T, SdkError<E, R>>> + Send,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: Debug,
    {
        // Boxed for the same reason as above.
        let call: BoxFuture<'_, _> = Box::pin(call);
        self.mind(within(&self.limits, kind, action, call).await).await
    }

    /// Reads something of which the SDK's client is not asked.
    pub async fn query(
        &self,
        action: &'static str,
        parameters: &[(&str, &str)],
    ) -> Result<Element, Failure> {
        let request = Request::query(action, VERSION, parameters);
        let call = self.client.calls.xml(&self.limits, Kind::ElbRead, action, request);
        self.mind(call.await).await
    }

    async fn mind<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        if let (Err(error), Some((assumed, number))) = (&result, &self.assumed)
            && is_about_credentials(error)
        {
            assumed.forget(*number).await;
        }
        result
    }
}

/// ELB API reference, "Common errors".
fn is_about_credentials(error: &Failure) -> bool {
    let code = error.code.as_str();
    code.starts_with("AccessDenied")
        || code.starts_with("ExpiredToken")
        || ["InvalidClientTokenId", "UnrecognizedClientException", "NotAuthorized"].contains(&code)
}
