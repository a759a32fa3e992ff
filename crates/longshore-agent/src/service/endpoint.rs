//! Where the services are when nothing says otherwise. Source: agent.md §1.2 and §5.1.

use crate::config::Settings;

/// The base address of the command service.
pub fn command_endpoint(settings: &Settings, region: &str) -> String {
    if let Some(endpoint) = &settings.deploy_control_endpoint {
        return endpoint.clone();
    }
    let secure = if settings.enable_auth_policy { "-secure" } else { "" };
    let fips = if settings.use_fips_mode { "-fips" } else { "" };
    format!("https://codedeploy-commands{secure}{fips}.{region}.{}", domain(region))
}

/// The base address of S3: the configured one, else the environment's (`from_environment`), else AWS's.
/// The flag says whether it is AWS's own.
pub fn s3_endpoint(settings: &Settings, region: &str, from_environment: Option<String>) -> (String, bool) {
    match settings.s3_endpoint_override.clone().or(from_environment) {
        Some(endpoint) => (endpoint, false),
        None if settings.use_fips_mode => (format!("https://s3-fips.{region}.{}", domain(region)), true),
        None => (format!("https://s3.{region}.{}", domain(region)), true),
    }
}

fn domain(region: &str) -> &'static str {
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
        assert_eq!(command_endpoint(&settings(text), region), expected);
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
        check("", "eusc-de-east-1", "https://codedeploy-commands.eusc-de-east-1.amazonaws.eu");
        check(
            "enable_auth_policy: true\nuse_fips_mode: true\n",
            "us-east-1",
            "https://codedeploy-commands-secure-fips.us-east-1.amazonaws.com",
        );
        check("deploy_control_endpoint: http://127.0.0.1:8080\n", "us-east-1", "http://127.0.0.1:8080");
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
