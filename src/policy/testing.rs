//! What tests of routing share, here and in the dispatcher.

/// Routes of public text: what is complex goes to the cloud, the rest stays, and either may fall back.
pub(crate) const ROUTES_OF_PUBLIC: &str = r#"
[[route]]
id = "hard"
levels = ["public"]
complexities = ["complex"]
to = "cloud"
fallback = true
[[route]]
id = "easy"
levels = ["public"]
to = "local"
fallback = true
"#;
