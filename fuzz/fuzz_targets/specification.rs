//! Deployment specifications: no name in one leads out of its folder, and what was read is written and
//! read again as the same.

#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use longshore_wire::host_command::specification::Specification;

fuzz_target!(|data: &[u8]| {
    let specification = match Specification::from_json(data) {
        Ok(specification) => specification,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for id in [&specification.deployment_id, &specification.deployment_group_id] {
        let mut components = Path::new(id).components();
        assert!(matches!((components.next(), components.next()), (Some(Component::Normal(_)), None)), "{id}");
    }
    let is_inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    assert!(Path::new(&specification.app_spec_filename).components().all(is_inside));
    let written = specification.to_json();
    let again = Specification::from_json(&written).expect("what was written can be read");
    assert_eq!(written, again.to_json());
});
