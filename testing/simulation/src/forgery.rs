//! Events of real tasks that tell what is not so. Whoever may put events on the bus can do so; the
//! look after the register finds it out.

use std::net::Ipv6Addr;
use std::sync::Arc;

use aws_sim::Task;

use crate::course::reconcile;
use crate::coverage::Case;
use crate::promises::broken;
use crate::rare::Forgery;
use crate::run::Run;
use crate::scenario::Target;
use crate::trials::{expect, hand_over, start, task};

const PROMISE: &str = "a forged start is undone";

/// Forges an event, and examines what is left of it.
pub async fn forge(run: &Arc<Run>, forgery: Forgery) {
    let unbound = (0..run.scenario.services.len()).find(|s| !run.scenario.is_bound(*s));
    let [real, other] = [0; 2].map(|service| start(run, service));
    reconcile(run, true).await;
    let now = run.aws.now();
    let nobody = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 4, real as u16 + 1);
    let mut told = Vec::new();
    let address = match forgery {
        Forgery::Address => {
            told.push((real, task(run, real).address(&nobody.to_string()), now));
            nobody
        }
        Forgery::AddressOfAnother => {
            let address = task(run, other).ipv6().expect("it has one");
            told.push((real, task(run, real).address(&address.to_string()), now));
            told.push((other, task(run, other), now));
            address
        }
        Forgery::Owner => {
            let Some(service) = unbound else { return };
            let stranger = start(run, service);
            told.push((stranger, posing(run, &task(run, stranger)), now));
            task(run, stranger).ipv6().expect("it has one")
        }
    };
    run.cover(Case::StartForged);
    let claimed = run.scenario.targets(0, address);
    run.state().claimed.extend(&claimed);
    hand_over(run, &told).await;
    run.state().claimed.clear();
    for place in [real, other] {
        expect(run, PROMISE, place, true);
    }
    let left = claimed.iter().find(|target| is_left(run, target));
    if let (Some(target), true) = (left, forgery != Forgery::AddressOfAnother) {
        let how = format!("{} is still registered", run.words(target));
        run.examine(|_| broken(PROMISE, how));
        run.state().edited.extend(claimed.iter().copied());
    }
}

/// A task's state as if it were one of the first service's.
fn posing(run: &Run, task: &Task) -> Task {
    let bound = &run.scenario.services[0];
    let task = task.clone().cluster(bound.cluster);
    if bound.standalone { task.family(bound.name) } else { task.service(bound.name) }
}

fn is_left(run: &Run, target: &Target) -> bool {
    run.aws.registered(&run.arns[target.group]).contains(&(target.id.into(), target.port))
}
