//! What a plan writes, for the question what has to be read before it is applied.

/// What a plan writes, as far as it matters for what has to be read before it is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlannedWrites {
    /// Workers.
    pub workers: bool,
    /// Places of steps, pools of variables or of targets, or the default pool.
    pub destinations: bool,
    /// Steps of deployment processes.
    pub deployments: bool,
    /// Steps of runbooks.
    pub runbooks: bool,
    /// Containers of steps.
    pub containers: bool,
    /// Values of pool variables, or pools of targets.
    pub indirect: bool,
    /// Values of pool variables with a scope.
    pub scoped_values: bool,
    /// The server's switches.
    pub server: bool,
    /// The built-in worker is switched off.
    pub switches_off: bool,
    /// Pools are deleted.
    pub deletes_pools: bool,
}
