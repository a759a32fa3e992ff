//! The agent's two configuration files: never a panic, and no setting that could lead astray.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_agent::config::on_premises::OnPremises;
use longshore_agent::config::{RawConfig, Settings};

fuzz_target!(|data: &[u8]| {
    let raw = match RawConfig::parse(&String::from_utf8_lossy(data)) {
        Ok(raw) => raw,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    match Settings::from_raw(&raw) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(settings) => {
            assert!(0 < settings.max_revisions);
            assert!(!settings.ongoing_deployment_tracking.contains('/'));
            assert!(!settings.root_dir.as_os_str().is_empty());
        }
    }
    match OnPremises::from_raw(&raw) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(None) => {}
        Ok(Some(on_premises)) => assert!(!format!("{on_premises:?}").is_empty()),
    }
});
