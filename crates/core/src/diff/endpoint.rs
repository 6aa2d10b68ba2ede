//! How a worker shall be reached: what the file says, laid over what is live.

use super::{
    matched::Matched,
    reference::{ReferentKind, resolve_entry},
};
use crate::{
    desired::{Declared, DesiredEndpoint, DesiredKubernetesLink, NameOrId},
    finding::Finding,
    model::{Endpoint, KubernetesLink, Linked, Proxy},
};

impl Matched<'_> {
    /// The whole endpoint of a worker; what the file leaves out comes from `live`, if it is of one kind.
    ///
    /// `None` for a worker that registers itself and is not live as one of this kind.
    ///
    /// # Errors
    ///
    /// Findings, for an account or a proxy that is not there.
    pub(super) fn resolve_endpoint(
        &self,
        desired: &DesiredEndpoint,
        live: Option<&Endpoint>,
    ) -> Result<Option<Endpoint>, Vec<Finding>> {
        let live = live.filter(|live| live.kind() == desired.kind());
        let proxy = self.resolve_proxy(desired.proxy(), live);
        Ok(Some(match desired {
            DesiredEndpoint::Listening { url, thumbprint, .. } => Endpoint::Listening {
                url: url.to_string(),
                thumbprint: thumbprint.to_string(),
                proxy: proxy?,
            },
            DesiredEndpoint::Polling(Some((subscription, thumbprint))) => Endpoint::Polling {
                subscription: subscription.to_string(),
                thumbprint: thumbprint.to_string(),
            },
            DesiredEndpoint::Ssh { host, port, account, fingerprint, platform, .. } => {
                let accounts = &self.live.directory.accounts;
                match (resolve_entry(ReferentKind::Account, accounts, account), proxy) {
                    (Ok(account), Ok(proxy)) => Endpoint::Ssh {
                        host: host.clone(),
                        port: *port,
                        account,
                        fingerprint: fingerprint.clone(),
                        platform: platform.clone().or_else(|| live_platform(live)),
                        proxy,
                    },
                    (account, proxy) => {
                        let proxy = proxy.err().into_iter().flatten();
                        return Err(account.err().into_iter().chain(proxy).collect());
                    }
                }
            }
            DesiredEndpoint::Kubernetes { link: Some((link, thumbprint)), namespace } => {
                Endpoint::Kubernetes {
                    link: match link {
                        DesiredKubernetesLink::Polling(other) => {
                            KubernetesLink::Polling(other.to_string())
                        }
                        DesiredKubernetesLink::Listening(url) => {
                            KubernetesLink::Listening(url.to_string())
                        }
                    },
                    thumbprint: thumbprint.to_string(),
                    namespace: namespace.clone().unwrap_or_else(|| live_namespace(live)),
                }
            }
            // It registered itself: its link is its own affair.
            DesiredEndpoint::Polling(None) => return Ok(live.cloned()),
            DesiredEndpoint::Kubernetes { link: None, namespace } => {
                return Ok(live.cloned().map(|live| match (live, namespace) {
                    (Endpoint::Kubernetes { link, thumbprint, .. }, Some(namespace)) => {
                        Endpoint::Kubernetes { link, thumbprint, namespace: namespace.clone() }
                    }
                    (live, _) => live,
                }));
            }
        }))
    }

    /// The proxy that the file names, else the live one.
    fn resolve_proxy(
        &self,
        wanted: Option<&Declared<NameOrId>>,
        live: Option<&Endpoint>,
    ) -> Result<Option<Linked<Proxy>>, Vec<Finding>> {
        match (wanted, live) {
            (Some(wanted), _) => {
                let proxy =
                    resolve_entry(ReferentKind::Proxy, &self.live.directory.proxies, wanted);
                proxy.map(Some).map_err(|finding| vec![finding])
            }
            (None, Some(Endpoint::Listening { proxy, .. } | Endpoint::Ssh { proxy, .. })) => {
                Ok(proxy.clone())
            }
            (None, _) => Ok(None),
        }
    }
}

fn live_platform(live: Option<&Endpoint>) -> Option<String> {
    match live {
        Some(Endpoint::Ssh { platform, .. }) => platform.clone(),
        _ => None,
    }
}

fn live_namespace(live: Option<&Endpoint>) -> String {
    match live {
        Some(Endpoint::Kubernetes { namespace, .. }) => namespace.clone(),
        _ => String::new(),
    }
}
