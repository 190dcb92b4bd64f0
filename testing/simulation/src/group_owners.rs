//! What the owners of target groups do in runs of bindings: they change tags, and take roles away
//! and give them back. And what the function's reads of tags and roles show.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::{Action, Call, Outcome, TargetGroup};

use crate::coverage::Case;
use crate::invocation::Invocation;
use crate::life;
use crate::scenario::Target;
use crate::sources::By;
use crate::tag_history::{Tag, TagHistory};
use crate::tracked_task::{Phase, TrackedTask};
use crate::world::{State, World};
use crate::writing::Writing;

/// How long the credentials of a role last.
const HOUR: Duration = Duration::from_secs(3600);

/// The key of the tags that bind.
pub const KEY: &str = "ecs-ipv6-targets:bind";

/// Writes the tags and makes the roles with which a run begins.
pub fn begin(world: &World) {
    let scenario = &world.scenario;
    if scenario.sources.page > 0 {
        world.aws.tag_page(scenario.sources.page);
    }
    if scenario.sources.has_ghost {
        let ghost = TargetGroup::ipv6("ghost").arn();
        let service = &scenario.services[0];
        let kind = if service.standalone { "family:" } else { "" };
        let value = format!("{kind}{}/{}:8080", service.cluster, service.name);
        world.aws.tag(&ghost, KEY, &value);
    }
    for (place, group) in scenario.groups.iter().enumerate() {
        if let Some(role) = group.by.role(place) {
            world.aws.add_role(&role, scenario.sources.external_id);
        }
        if group.by != By::Tag {
            continue;
        }
        let is_stable = scenario.sources.tag_changes == 0;
        let writing = if is_stable { Writing::Right } else { draw(world) };
        if let Some(value) = writing.value(scenario, place) {
            world.aws.tag(&world.arns[place], KEY, &value);
        }
        let history = TagHistory::beginning(world.aws.now(), writing.tag(scenario, place));
        world.state().observed.tags.insert(place, history);
    }
}

fn draw(world: &World) -> Writing {
    use Writing::{Absent, Broken, Mistyped, Right, Spoilt};
    world.state().dice.pick(&[Right, Right, Absent, Absent, Spoilt, Broken, Mistyped])
}

/// The owner of a group changes its tag now and then.
pub async fn change_tag(world: Arc<World>, group: usize) {
    let _moving = world.moving.begin();
    for _ in 0..world.scenario.sources.tag_changes {
        tokio::time::sleep(life::pause(&world)).await;
        let lag = world.draw_seconds(0.0, world.scenario.sources.lag);
        write(&world, group, draw(&world), lag);
    }
}

/// Writes a tag that the index shows so much later.
pub fn write(world: &World, group: usize, writing: Writing, lag: Duration) {
    let arn = &world.arns[group];
    let value = writing.value(&world.scenario, group);
    world.note("owner", || {
        let name = world.scenario.groups[group].name;
        format!("tags {name} {value:?}, which the index shows after {} s", lag.as_secs())
    });
    world.aws.tag_lag(lag);
    match &value {
        Some(value) => world.aws.tag(arn, KEY, value),
        None => world.aws.untag(arn, KEY),
    }
    let shown_at = world.aws.now() + lag;
    let tag = writing.tag(&world.scenario, group);
    cover(world, group, writing, &tag, lag);
    if let Some(tags) = world.state().observed.tags.get_mut(&group) {
        tags.write(shown_at, tag);
    }
}

fn cover(world: &World, group: usize, writing: Writing, tag: &Tag, lag: Duration) {
    let state = &mut *world.state();
    let Some(tags) = state.observed.tags.get(&group) else { return };
    let before = &tags.at(world.aws.now()).bonds;
    let serves = |t: &&TrackedTask| t.phase() == Phase::Serving;
    let mut targets = state
        .observed
        .tasks
        .iter()
        .filter(serves)
        .flat_map(|t| t.targets.iter().map(|target: &Target| (t.service, target)));
    let lost = targets.any(|(service, target)| {
        let mut bonds = world.scenario.bonds_of(service, target);
        target.group == group && bonds.any(|b| before.contains(&b) && !tag.bonds.contains(&b))
    });
    let coverage = &mut state.coverage;
    coverage.note_if(!tag.bonds.is_subset(before), Case::TagAppeared);
    coverage.note_if(lost, Case::TagVanished);
    coverage.note_if(tag.is_malformed, Case::TagSpoilt);
    coverage.note_if(writing == Writing::Mistyped, Case::TagMistyped);
    coverage.note_if(lag >= Duration::from_secs(60), Case::TagLagged);
}

/// The owner of another account takes a role away now and then, and gives it back.
pub async fn change_role(world: Arc<World>, group: usize) {
    let _moving = world.moving.begin();
    for _ in 0..world.scenario.sources.lost_roles {
        tokio::time::sleep(life::pause(&world)).await;
        lose_role(&world, group);
        tokio::time::sleep(world.draw_seconds(1.0, 200.0)).await;
        give_back(&world, group);
    }
}

/// A role is deleted, or trusts the function no longer.
pub fn lose_role(world: &World, group: usize) {
    let Some(role) = world.scenario.groups[group].by.role(group) else { return };
    if world.state().dice.chance(0.5) {
        world.cover(Case::RoleDeleted);
        world.note("owner", || format!("deletes {role}"));
        world.aws.delete_role(&role);
    } else {
        world.cover(Case::RoleDistrusted);
        world.note("owner", || format!("has {role} trust nobody"));
        world.aws.distrust(&role);
    }
    world.state().observed.lost_roles.push((group, world.aws.now(), None));
}

/// The role is there again.
pub fn give_back(world: &World, group: usize) {
    let Some(role) = world.scenario.groups[group].by.role(group) else { return };
    world.note("owner", || format!("makes {role} again"));
    world.aws.add_role(&role, world.scenario.sources.external_id);
    let now = world.aws.now();
    let lost = &mut world.state().observed.lost_roles;
    let open = lost.iter_mut().filter(|(of, _, until)| *of == group && until.is_none());
    open.for_each(|(_, _, until)| *until = Some(now));
}

/// A call was refused with this code.
pub fn refused(world: &World, call: &Call, code: &str) {
    let elsewhere = call.account != By::Setting.account(0);
    let coverage = &mut world.state().coverage;
    coverage.note_if(code == "InvalidClientTokenId", Case::CredentialsRefused);
    coverage.note_if(elsewhere && code == "ThrottlingException", Case::ThrottledElsewhere);
}

/// The function asks for a page of tags.
pub fn asks(world: &World, number: usize, call: &Call) {
    if let Some(invocation) = reader_of_tags(&mut world.state(), number) {
        invocation.has_read_tags = false;
        invocation.tags_broke_off = !is_first(call);
    }
}

/// Whether it is the first page of tags that a call asks for.
pub fn is_first(call: &Call) -> bool {
    call.values("PaginationToken").iter().all(|token| *token == "\"\"")
}

/// The function asked for tags or for the credentials of a role.
pub fn asked(world: &World, call: &Call, is_read: bool) {
    let state = &mut *world.state();
    if call.action == Action::AssumeRole {
        let denied = call.outcome == Outcome::Error("AccessDenied".to_owned());
        let later = is_read && world.elapsed() > HOUR;
        state.coverage.note_if(is_read, Case::RoleAssumed);
        state.coverage.note_if(later, Case::RoleAssumedLater);
        state.coverage.note_if(denied, Case::RoleDenied);
        return;
    }
    state.coverage.note_if(!is_read, Case::TagsUnread);
    state.coverage.note_if(!is_read && !is_first(call), Case::TagsBrokeOff);
}

/// The answer to a read of tags has arrived.
pub fn answered(world: &World, number: usize) {
    if let Some(invocation) = reader_of_tags(&mut world.state(), number) {
        invocation.has_read_tags = true;
        invocation.tags_broke_off = false;
    }
}

/// An invocation, if it reads tags for all that it does. Once it has written, it reads them for
/// whole groups, and its messages do not go by these.
fn reader_of_tags(state: &mut State, number: usize) -> Option<&mut Invocation> {
    state.observed.invocations.get_mut(&number).filter(|invocation| invocation.tally.calls == 0)
}
