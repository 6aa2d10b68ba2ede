//! How a worker shall be reached, as the file says it: what it leaves out is left as it is.

use super::{Declared, NameOrId};
use crate::model::{KubernetesLink, Subscription, TentacleUrl, Thumbprint};

/// How a worker shall be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredEndpoint {
    /// The server calls the Tentacle.
    Listening {
        /// Where it listens.
        url: TentacleUrl,
        /// The certificate that must answer.
        thumbprint: Thumbprint,
        /// The proxy on the way.
        proxy: Option<Declared<NameOrId>>,
    },
    /// The Tentacle calls the server. `None`: it registers itself, and is managed once it is there.
    Polling(Option<(Subscription, Thumbprint)>),
    /// The server logs in.
    Ssh {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// The SSH account to log in with.
        account: Declared<NameOrId>,
        /// The fingerprint of the host's key.
        fingerprint: String,
        /// The .NET platform of the runtime to send.
        platform: Option<String>,
        /// The proxy on the way.
        proxy: Option<Declared<NameOrId>>,
    },
    /// An agent in a Kubernetes cluster.
    Kubernetes {
        /// Who calls whom. `None`: it registers itself, and is managed once it is there.
        link: Option<(KubernetesLink, Thumbprint)>,
        /// The default namespace.
        namespace: Option<String>,
    },
}

impl DesiredEndpoint {
    /// The kind of worker, in the file's word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Listening { .. } => "listening",
            Self::Polling(_) => "polling",
            Self::Ssh { .. } => "ssh",
            Self::Kubernetes { .. } => "kubernetes",
        }
    }

    /// The proxy, where one is said.
    pub fn proxy(&self) -> Option<&Declared<NameOrId>> {
        match self {
            Self::Listening { proxy, .. } | Self::Ssh { proxy, .. } => proxy.as_ref(),
            Self::Polling(_) | Self::Kubernetes { .. } => None,
        }
    }
}
