//! The words in which somebody states a need: how sensitive, how fast, by whom. Each list is closed; what a word means
//! for local or cloud stands in `factors.rs`.

use serde::{Deserialize, Serialize};

/// A closed list of words, the same in options, files and output.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
        pub enum $name {
            $($(#[$what])* #[serde(rename = $word)] #[value(name = $word)] $variant,)+
        }

        impl $name {
            /// Every word of the list.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// How sensitive the data is.
    DataSensitivity {
        /// Anybody may read it.
        Public = "public",
        /// For the organisation alone, with little harm if it got out.
        Internal = "internal",
        /// Personal data, secrets, contracts.
        Confidential = "confidential",
        /// Under a law of its own: health, payment cards, classified.
        Regulated = "regulated",
    }
}

words! {
    /// How fast answers must begin.
    Latency {
        /// Under half a second, always.
        Consistent = "consistent",
        /// Under half a second mostly.
        Mostly = "mostly",
        /// A slow answer now and then does no harm.
        Variable = "variable",
    }
}

words! {
    /// What money there is.
    Budget {
        /// For buying machines.
        Capital = "capex",
        /// Both.
        Either = "either",
        /// For monthly bills.
        Operating = "opex",
    }
}

words! {
    /// Who would run models.
    Team {
        /// Nobody who knows models.
        None = "none",
        /// People who run services, and have not run models.
        Some = "some",
        /// People who run models.
        Experienced = "experienced",
    }
}

words! {
    /// What is asked of the model.
    Task {
        /// Extraction, classification, summaries, routine answers.
        Standard = "standard",
        /// Both.
        Mixed = "mixed",
        /// What only the newest models can do.
        CuttingEdge = "cutting-edge",
    }
}

words! {
    /// Where the services run that ask.
    Deployment {
        /// In rooms of the organisation.
        OnPremises = "on-premises",
        /// In branches, vehicles, machines.
        Edge = "edge",
        /// Both here and in a cloud.
        Mixed = "mixed",
        /// In a cloud.
        CloudNative = "cloud-native",
    }
}

words! {
    /// How good the answers must be.
    Quality {
        /// Good enough for the task.
        Good = "good",
        /// As good as there is.
        Frontier = "frontier",
    }
}

words! {
    /// Where the data may be.
    Residency {
        /// Anywhere.
        Anywhere = "anywhere",
        /// Within a country or region.
        Region = "region",
        /// Within the organisation's own network: it must not leave.
        Network = "network",
    }
}
