//! Where the services are when nothing says otherwise. Source: agent.md §1.2 and §5.1.

use crate::config::Settings;

/// Why no address can be made of a domain and a region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// None of AWS's.
    #[error("Unknown domain: {0}")]
    Domain(String),
    /// Not in the form of the domain's regions.
    #[error("Invalid region: {0}")]
    Region(String),
}

/// Checks what an on-premises host's address is made of. Source: agent.md §1.2.
///
/// # Errors
/// [`EndpointError`].
pub fn check_region(domain: &str, region: &str) -> Result<(), EndpointError> {
    let is_plain =
        |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let is_good = match domain {
        "amazonaws.com" | "amazonaws.eu" => (1..=20).contains(&region.len()) && is_plain(region),
        "amazonaws.com.cn" => match region.split('-').collect::<Vec<_>>()[..] {
            ["cn", place, number] => {
                !place.is_empty()
                    && place.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                    && !number.is_empty()
                    && number.bytes().all(|b| b.is_ascii_digit())
            }
            _ => false,
        },
        _ => return Err(EndpointError::Domain(domain.to_owned())),
    };
    if is_good { Ok(()) } else { Err(EndpointError::Region(region.to_owned())) }
}

/// The base address of the command service; `domain` is what the metadata service says, if asked.
pub fn command_endpoint(settings: &Settings, region: &str, domain: Option<&str>) -> String {
    if let Some(endpoint) = &settings.deploy_control_endpoint {
        return endpoint.clone();
    }
    let secure = if settings.enable_auth_policy { "-secure" } else { "" };
    let fips = if settings.use_fips_mode { "-fips" } else { "" };
    format!(
        "https://codedeploy-commands{secure}{fips}.{region}.{}",
        domain.unwrap_or_else(|| domain_of(region))
    )
}

/// The base address of S3: the configured one, else the environment's (`from_environment`), else AWS's.
/// The flag says whether it is AWS's own.
pub fn s3_endpoint(settings: &Settings, region: &str, from_environment: Option<String>) -> (String, bool) {
    match settings.s3_endpoint_override.clone().or(from_environment) {
        Some(endpoint) => (endpoint, false),
        None if settings.use_fips_mode => (format!("https://s3-fips.{region}.{}", domain_of(region)), true),
        None => (format!("https://s3.{region}.{}", domain_of(region)), true),
    }
}

/// The domain of the partition that `region` belongs to.
pub fn domain_of(region: &str) -> &'static str {
    if region == "eusc-de-east-1" {
        "amazonaws.eu"
    } else if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawConfig;

    fn settings(text: &str) -> Settings {
        let raw = RawConfig::parse(&format!("log_dir: /l\npid_dir: /p\nroot_dir: /r\n{text}")).expect("yaml");
        Settings::from_raw(&raw).expect("settings")
    }

    #[track_caller]
    fn check(text: &str, region: &str, expected: &str) {
        assert_eq!(command_endpoint(&settings(text), region, None), expected);
    }

    #[track_caller]
    fn check_s3(text: &str, region: &str, from_environment: Option<&str>, expected: &str) {
        let (endpoint, _) = s3_endpoint(&settings(text), region, from_environment.map(str::to_owned));
        assert_eq!(endpoint, expected);
    }

    #[test]
    fn the_command_service_is_regional_unless_named() {
        check("", "us-east-1", "https://codedeploy-commands.us-east-1.amazonaws.com");
        check("", "cn-north-1", "https://codedeploy-commands.cn-north-1.amazonaws.com.cn");
        check("", "cn-northwest-1", "https://codedeploy-commands.cn-northwest-1.amazonaws.com.cn");
        check(
            "use_fips_mode: true\n",
            "us-west-2",
            "https://codedeploy-commands-fips.us-west-2.amazonaws.com",
        );
        check(
            "enable_auth_policy: true\n",
            "us-west-2",
            "https://codedeploy-commands-secure.us-west-2.amazonaws.com",
        );
        check("", "eusc-de-east-1", "https://codedeploy-commands.eusc-de-east-1.amazonaws.eu");
        check(
            "enable_auth_policy: true\nuse_fips_mode: true\n",
            "us-east-1",
            "https://codedeploy-commands-secure-fips.us-east-1.amazonaws.com",
        );
        check("deploy_control_endpoint: http://127.0.0.1:8080\n", "us-east-1", "http://127.0.0.1:8080");
    }

    #[test]
    fn the_metadata_services_domain_counts() {
        let endpoint = command_endpoint(&settings(""), "us-iso-east-1", Some("c2s.ic.gov"));
        assert_eq!(endpoint, "https://codedeploy-commands.us-iso-east-1.c2s.ic.gov");
    }

    #[track_caller]
    fn check_pair(domain: &str, region: &str, expected: &str) {
        let shown = check_region(domain, region).map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_on_premises_host_has_a_known_domain_and_a_region_of_it() {
        check_pair("amazonaws.com", "us-east-1", "ok");
        check_pair("amazonaws.eu", "eusc-de-east-1", "ok");
        check_pair("amazonaws.com.cn", "cn-northwest-1", "ok");
        check_pair("amazonaws.com.cn", "us-east-1", "Invalid region: us-east-1");
        check_pair("amazonaws.com.cn", "cn-north-1-x", "Invalid region: cn-north-1-x");
        check_pair("amazonaws.com", "US-EAST-1", "Invalid region: US-EAST-1");
        check_pair("amazonaws.com", "a.evil.example/", "Invalid region: a.evil.example/");
        check_pair("amazonaws.com", "", "Invalid region: ");
        check_pair("evil.example", "us-east-1", "Unknown domain: evil.example");
    }

    #[test]
    fn s3_is_the_configured_one_then_the_environments_then_aws() {
        let configured = "s3_endpoint_override: http://10.0.0.1:9000\nuse_fips_mode: true\n";
        check_s3(configured, "us-east-1", Some("http://e"), "http://10.0.0.1:9000");
        check_s3("", "us-east-1", Some("http://e"), "http://e");
        check_s3("", "eu-west-1", None, "https://s3.eu-west-1.amazonaws.com");
        check_s3("use_fips_mode: true\n", "us-east-1", None, "https://s3-fips.us-east-1.amazonaws.com");
        check_s3("", "eusc-de-east-1", None, "https://s3.eusc-de-east-1.amazonaws.eu");
    }
}
