//! How the server should reach a worker. Anything that the file leaves out stays unchanged.

use super::{Declared, NameOrId};
use crate::model::{KubernetesLink, Subscription, TentacleUrl, Thumbprint, ssh_address};

/// How the server should reach a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredEndpoint {
    /// The server calls the Tentacle.
    Listening {
        /// The URL that the Tentacle listens on.
        url: TentacleUrl,
        /// The thumbprint of the Tentacle's certificate.
        thumbprint: Thumbprint,
        /// The proxy that the server connects through; empty for none.
        proxy: Option<Declared<NameOrId>>,
    },
    /// The Tentacle calls the server. `None`: it registers itself, and is managed from then on.
    Polling(Option<(Subscription, Thumbprint)>),
    /// The server logs in over SSH.
    Ssh {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// The SSH account to log in with.
        account: Declared<NameOrId>,
        /// The fingerprint of the host's key.
        fingerprint: String,
        /// The .NET platform of the runtime that the server uploads; empty for none.
        platform: Option<String>,
        /// The proxy that the server connects through; empty for none.
        proxy: Option<Declared<NameOrId>>,
    },
    /// An agent in a Kubernetes cluster.
    Kubernetes {
        /// Who calls whom. `None`: the agent registers itself, and is managed from then on.
        link: Option<(KubernetesLink, Thumbprint)>,
        /// The default namespace.
        namespace: Option<String>,
    },
}

impl DesiredEndpoint {
    /// Returns the kind of worker, as the file spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Listening { .. } => "listening",
            Self::Polling(_) => "polling",
            Self::Ssh { .. } => "ssh",
            Self::Kubernetes { .. } => "kubernetes",
        }
    }

    /// Returns what tells the worker from others: its URL, host and port, or subscription. `None` if the file leaves it to
    /// the worker.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Listening { url, .. } => Some(url.to_string()),
            Self::Polling(link) => link.as_ref().map(|(subscription, _)| subscription.to_string()),
            Self::Ssh { host, port, .. } => Some(ssh_address(host, *port)),
            Self::Kubernetes { link, .. } => link.as_ref().map(|(link, _)| link.address()),
        }
    }

    /// Returns the proxy, if the file sets one.
    pub fn proxy(&self) -> Option<&Declared<NameOrId>> {
        match self {
            Self::Listening { proxy, .. } | Self::Ssh { proxy, .. } => proxy.as_ref(),
            Self::Polling(_) | Self::Kubernetes { .. } => None,
        }
    }
}
