use super::*;

const DESIRED_TWO: Limits =
    Limits { desired: 2, least_healthy: 2, most_tasks: 4, lost: 0, may_launch: true };

/// Tasks named by their places: `o` old, `n` new, in capitals healthy, with `!` protected.
fn tasks(text: &str) -> Vec<Seen> {
    let task = |(place, word): (usize, &str)| Seen {
        arn: place.to_string(),
        is_new: word.to_lowercase().starts_with('n'),
        is_healthy: word.starts_with(char::is_uppercase),
        is_protected: word.ends_with('!'),
    };
    text.split_whitespace().enumerate().map(task).collect()
}

#[test]
fn tasks_are_stopped_launched_and_held_within_the_limits() {
    let desired_one = Limits { desired: 1, least_healthy: 1, most_tasks: 2, ..DESIRED_TWO };
    let at_half = Limits { least_healthy: 1, most_tasks: 2, ..DESIRED_TWO };
    let one_lost = Limits { lost: 1, most_tasks: 3, ..DESIRED_TWO };
    let failed = Limits { may_launch: false, ..DESIRED_TWO };
    for (tasks_now, limits, stop, launch_new, launch_old, held_back) in [
        // Room first, then healthy new tasks, then stops.
        ("O O", DESIRED_TWO, "", 2, 0, false),
        ("O O n n", DESIRED_TWO, "", 0, 0, false),
        ("O O N n", DESIRED_TWO, "0", 0, 0, false),
        ("O O N N", DESIRED_TWO, "01", 0, 0, false),
        ("O O", at_half, "0", 1, 0, false),
        // What is on its way counts as standing in, and goes first where it is too much.
        ("O o n n", DESIRED_TWO, "", 0, 0, false),
        ("O O o n", DESIRED_TWO, "2", 1, 0, false),
        // Protected tasks are passed over, and hold back only if nothing else can go.
        ("O! O N n", DESIRED_TWO, "1", 0, 0, false),
        ("O! O! N n", DESIRED_TWO, "", 0, 0, true),
        ("O! O! n n", DESIRED_TWO, "", 0, 0, false),
        // A lost old task is replaced before new ones take its room.
        ("O n", one_lost, "", 0, 1, false),
        ("O N", one_lost, "", 1, 0, false),
        // A surplus goes, the unprotected and the unhealthy first.
        ("N n", desired_one, "1", 0, 0, false),
        ("N! N", desired_one, "1", 0, 0, false),
        ("N! N!", desired_one, "", 0, 0, true),
        // A failed deployment launches nothing.
        ("O O", failed, "", 0, 0, false),
    ] {
        let stop = stop.chars().map(|place| place.to_string()).collect();
        let expected = Moves { stop, launch_new, launch_old, held_back };
        assert_eq!(decide(limits, &tasks(tasks_now)), expected, "{tasks_now}");
    }
}
