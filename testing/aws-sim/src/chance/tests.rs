use super::*;

#[test]
fn draws_spread_evenly_and_depend_on_seed_and_subject_alone() {
    let range = (Duration::from_secs(90), Duration::from_secs(180));
    for seed in 0..20 {
        let chance = Chance::of(seed);
        let drawn = |n: usize| chance.between(&format!("lag {n}"), range).as_secs_f64();
        let mean = (0..2000).map(drawn).sum::<f64>() / 2000.0;
        assert!((133.0..137.0).contains(&mean), "seed {seed}: {mean}");
        let hits = (0..2000).filter(|n| chance.happens(&format!("fails {n}"), 0.3)).count();
        assert!((530..670).contains(&hits), "seed {seed}: {hits}");
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), Chance::of(seed + 1).between("lag 1", range).as_secs_f64());
    }
}
