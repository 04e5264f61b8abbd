//! Tiers of the tests: the fast one, or all (`tests/run.sh --all`), and tests that need a tool.

use std::sync::LazyLock;

use libtest_mimic::Trial;

/// Whether all tests run (`tests/run.sh --all`).
pub static ALL: LazyLock<bool> = LazyLock::new(|| is_set("QUAD8_MPI_ALL"));
static TOOLS_REQUIRED: LazyLock<bool> = LazyLock::new(|| is_set("QUAD8_MPI_REQUIRE_TOOLS"));

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Returns a test that passes when `check` returns.
pub fn test(name: impl Into<String>, check: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        check();
        Ok(())
    })
}

/// Puts a test into the slow tier: it is ignored unless QUAD8_MPI_ALL is set.
pub fn slow(test: Trial) -> Trial {
    ignored_for(test, (!*ALL).then_some("tests/run.sh --all"))
}

/// Ignores a test if there is a reason. It is printed before the name.
pub fn ignored_for(test: Trial, reason: Option<&str>) -> Trial {
    match reason {
        Some(reason) => test.with_kind(reason).with_ignored_flag(true),
        None => test,
    }
}

/// Ignores a test whose tool is missing. With QUAD8_MPI_REQUIRE_TOOLS the test fails instead.
/// `missing` names the tool and how to install it. A test that is already ignored remains so.
pub fn needs_tool(test: Trial, missing: Option<&str>) -> Trial {
    match missing {
        Some(missing) if *TOOLS_REQUIRED && !test.has_ignored_flag() => {
            let message = format!("{missing} (QUAD8_MPI_REQUIRE_TOOLS is set)");
            Trial::test(test.name().to_owned(), move || Err(message.into()))
        }
        _ if test.has_ignored_flag() => test,
        _ => ignored_for(test, missing),
    }
}
