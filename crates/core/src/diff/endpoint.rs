//! How the server should reach a worker: the declared endpoint, completed from the live one.

use super::{listed::WorkerList, matched::Matched};
use crate::{
    desired::{Declared, DesiredEndpoint, NameOrId},
    finding::{Code, Finding},
    model::{Endpoint, Linked, LiveEndpoint, Proxy},
};

/// The planned endpoint of a worker.
pub(super) enum ResolvedEndpoint {
    /// The worker registers itself, and no worker of this kind is live.
    Unregistered,
    /// The endpoint on the server stays unchanged.
    Unchanged,
    /// The complete endpoint to write.
    Whole(Endpoint),
}

impl Matched<'_> {
    /// Returns the complete endpoint of a worker; missing parts come from `live` if it is of the same kind.
    ///
    /// # Errors
    ///
    /// Returns findings for an account or a proxy that does not exist.
    pub(super) fn resolve_endpoint(
        &self,
        desired: &Declared<DesiredEndpoint>,
        live: Option<&LiveEndpoint>,
    ) -> Result<ResolvedEndpoint, Vec<Finding>> {
        let live = live.filter(|live| live.kind() == desired.kind());
        let proxy = self.resolve_proxy(desired.proxy(), live);
        Ok(ResolvedEndpoint::Whole(match &desired.value {
            DesiredEndpoint::Listening { url, thumbprint, .. } => Endpoint::Listening {
                url: url.clone(),
                thumbprint: thumbprint.clone(),
                proxy: proxy?,
            },
            DesiredEndpoint::Polling(Some((subscription, thumbprint))) => Endpoint::Polling {
                subscription: subscription.clone(),
                thumbprint: thumbprint.clone(),
            },
            DesiredEndpoint::Ssh { host, port, account, fingerprint, platform, .. } => {
                match (self.resolve_listed(WorkerList::Accounts, account), proxy) {
                    (Ok(account), Ok(proxy)) => Endpoint::Ssh {
                        host: host.clone(),
                        port: *port,
                        account,
                        fingerprint: fingerprint.clone(),
                        platform: platform
                            .clone()
                            .or_else(|| live_platform(live))
                            .filter(|it| !it.is_empty()),
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
                    link: link.clone(),
                    thumbprint: thumbprint.clone(),
                    namespace: namespace.clone().unwrap_or_else(|| live_namespace(live)),
                }
            }
            // It registered itself, so its link is not managed.
            DesiredEndpoint::Polling(None) | DesiredEndpoint::Kubernetes { link: None, .. } => {
                return resolve_registered(desired, live);
            }
        }))
    }

    /// Returns the proxy that the file names, or else the live one.
    fn resolve_proxy(
        &self,
        wanted: Option<&Declared<NameOrId>>,
        live: Option<&LiveEndpoint>,
    ) -> Result<Option<Linked<Proxy>>, Vec<Finding>> {
        match (wanted, live) {
            // An empty text clears the proxy.
            (Some(wanted), _) if wanted.is_empty() => Ok(None),
            (Some(wanted), _) => {
                let proxy = self.resolve_listed(WorkerList::Proxies, wanted);
                proxy.map(Some).map_err(|finding| vec![finding])
            }
            (
                None,
                Some(LiveEndpoint::Listening { proxy, .. } | LiveEndpoint::Ssh { proxy, .. }),
            ) => Ok(proxy.clone()),
            (None, _) => Ok(None),
        }
    }
}

/// Returns the endpoint of a worker that registers itself; its link on the server is left unchanged.
fn resolve_registered(
    desired: &Declared<DesiredEndpoint>,
    live: Option<&LiveEndpoint>,
) -> Result<ResolvedEndpoint, Vec<Finding>> {
    let Some(live) = live else { return Ok(ResolvedEndpoint::Unregistered) };
    let DesiredEndpoint::Kubernetes { namespace: Some(wanted), .. } = &desired.value else {
        return Ok(ResolvedEndpoint::Unchanged);
    };
    if *wanted == live_namespace(Some(live)) {
        return Ok(ResolvedEndpoint::Unchanged);
    }
    let mut endpoint = live.convert().map_err(|error| {
        let message = format!("cannot keep the worker's endpoint on the server: {error}");
        let help = "register the agent again, or set `thumbprint` and `subscription` or `url`";
        vec![
            Finding::error(Code::UnreadableEndpoint, desired.span.clone(), message).with_help(help),
        ]
    })?;
    if let Endpoint::Kubernetes { namespace, .. } = &mut endpoint {
        wanted.clone_into(namespace);
    }
    Ok(ResolvedEndpoint::Whole(endpoint))
}

fn live_platform(live: Option<&LiveEndpoint>) -> Option<String> {
    match live {
        Some(LiveEndpoint::Ssh { platform, .. }) => platform.clone(),
        _ => None,
    }
}

fn live_namespace(live: Option<&LiveEndpoint>) -> String {
    match live {
        Some(LiveEndpoint::Kubernetes { namespace, .. }) => namespace.clone(),
        _ => String::new(),
    }
}
