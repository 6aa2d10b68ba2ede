//! The truth table as data: a row a statement of `api.md`, under the number of the section that says it.
//!
//! What pools and targets there are is `world`'s.

/// Type | RunOnServer | target tags | pool or $variable | where it runs, by what.
pub(super) const TABLE: &str = "
    # 4: S, inside the server's process, whatever its fields say
    Octopus.Manual                   | true  | -     | -  | in the server by type
    Octopus.Manual                   | -     | web   | h  | in the server by type
    octopus.manual                   | true  | -     | -  | in the server by type
    Octopus.Email                    | -     | -     | h  | in the server by type
    Octopus.DeployRelease            | true  | -     | -  | in the server by type
    Octopus.HealthCheck              | true  | web   | -  | in the server by type
    # 4: the server orchestrates the check, and a worker looks at what is in a cloud; a pool means nothing
    Octopus.HealthCheck              | true  | -     | -  | in the server by type
    Octopus.HealthCheck              | true  | agent | h  | in the server by type
    Octopus.HealthCheck              | true  | cloud | m  | pool h by target
    Octopus.HealthCheck              | -     | bare  | -  | built-in for d by defaultpool
    Octopus.HealthCheck              | true  | mixed | -  | web-01: in the server by type; app: pool h by target
    Octopus.Certificate.Import       | -     | web   | -  | in the server by type
    Octopus.JiraIntegration.ServiceDeskAction | true | - | - | in the server by type
    # 4 and 7, 29: unverified types are nobody's guess
    Octopus.ArgoCDUpdateImageTags    | -     | -     | h  | pool h by explicit
    Octopus.ArgoCDUpdateManifests    | true  | -     | -  | built-in for d by defaultpool
    Octopus.TriggerArgoCDSync        | true  | -     | -  | unknown Type by type
    Octopus.TriggerArgoCDSync        | true  | -     | h  | unknown Type by type
    Octopus.WaitForArgoCDPullRequestsMerged | - | -  | -  | unknown Type by type
    Octopus.VerifyArgoCDApplicationHealthy  | - | -  | -  | unknown Type by type
    # 4: a process template expands; its inner steps decide
    Octopus.ProcessTemplate          | -     | -     | -  | unknown Template by type
    # 4: W, always on a worker, whatever RunOnServer says
    Octopus.AzurePowerShell          | -     | -     | -  | built-in for d by defaultpool
    Octopus.AzurePowerShell          | false | -     | h  | pool h by explicit
    Octopus.AzurePowerShell          | false | web   | h  | pool h by explicit
    Octopus.AwsRunScript             | -     | -     | -  | built-in for d by defaultpool
    Octopus.GoogleCloudScripting     | -     | -     | h  | pool h by explicit
    Octopus.KubernetesRunScript      | -     | -     | h  | pool h by explicit
    Octopus.KubernetesDeployContainers | -   | -     | h  | pool h by explicit
    Octopus.KubernetesDeployRawYaml  | -     | -     | h  | pool h by explicit
    Octopus.KubernetesDeployService  | -     | -     | h  | pool h by explicit
    Octopus.KubernetesDeployIngress  | -     | -     | h  | pool h by explicit
    Octopus.KubernetesDeployConfigMap | -    | -     | h  | pool h by explicit
    Octopus.KubernetesDeploySecret   | -     | -     | h  | pool h by explicit
    Octopus.Kubernetes.Kustomize     | true  | -     | h  | pool h by explicit
    Octopus.HelmChartUpgrade         | true  | -     | h  | pool h by explicit
    Octopus.AwsRunCloudFormation     | true  | -     | h  | pool h by explicit
    Octopus.AwsDeleteCloudFormation  | true  | -     | h  | pool h by explicit
    Octopus.AwsApplyCloudFormationChangeSet | true | - | h | pool h by explicit
    Octopus.AwsCreateS3              | -     | -     | h  | pool h by explicit
    Octopus.AwsDeployEcsService      | -     | -     | h  | pool h by explicit
    Octopus.AwsUpdateEcsService      | -     | -     | h  | pool h by explicit
    Octopus.AzureResourceGroup       | true  | -     | h  | pool h by explicit
    Octopus.AzureDeployBicepTemplate | -     | -     | h  | pool h by explicit
    Octopus.AzureAppService          | -     | -     | h  | pool h by explicit
    Octopus.AzureWebApp              | -     | cloud | h  | pool h by explicit
    Octopus.AzureServiceFabricApp    | -     | -     | h  | pool h by explicit
    Octopus.AzureServiceFabricPowerShell | - | -     | h  | pool h by explicit
    Octopus.AzureCloudService        | -     | -     | h  | pool h by explicit
    Octopus.TerraformApply           | -     | -     | h  | pool h by explicit
    Octopus.TerraformPlan            | -     | -     | h  | pool h by explicit
    Octopus.TerraformDestroy         | -     | -     | h  | pool h by explicit
    Octopus.TerraformPlanDestroy     | -     | -     | h  | pool h by explicit
    Octopus.TargetDiscovery.AzureWebApp | -  | -     | h  | pool h by explicit
    Octopus.Action.Kubernetes.Discovery | -  | -     | h  | pool h by explicit
    Octopus.HealthCheck.AzureWebApp  | -     | -     | h  | pool h by explicit
    Octopus.HealthCheck.AzureServiceFabricApp | - | - | h | pool h by explicit
    Octopus.HealthCheck.Kubernetes   | -     | -     | h  | pool h by explicit
    Octopus.CommitToGit              | -     | -     | h  | pool h by explicit
    Octopus.CommitToGit              | -     | -     | -  | built-in for d by defaultpool
    # 4: step packages are W, by their lower-case ids
    aws-ecs                          | -     | -     | h  | pool h by explicit
    aws-ecs-update-service           | -     | cloud | -  | pool h by target
    somebodys-package                | -     | -     | -  | built-in for d by defaultpool
    # 4: T, on the targets alone: RunOnServer and a pool mean nothing
    Octopus.TentaclePackage          | -     | web   | -  | on targets by execution
    Octopus.TentaclePackage          | true  | web   | h  | on targets by execution
    Octopus.IIS                      | true  | web   | -  | on targets by execution
    Octopus.WindowsService           | -     | web   | -  | on targets by execution
    Octopus.Vhd                      | -     | web   | -  | on targets by execution
    Octopus.Nginx                    | -     | web   | -  | on targets by execution
    Octopus.TransferPackage          | -     | web   | -  | on targets by execution
    Octopus.DockerRun                | true  | web   | h  | on targets by execution
    Octopus.DockerStop               | -     | web   | -  | on targets by execution
    Octopus.DockerNetwork            | -     | web   | -  | on targets by execution
    Octopus.TentaclePackage          | -     | -     | -  | nowhere NoTargets by execution
    # 4: T, or W with a target that is a cloud region
    Octopus.TentaclePackage          | -     | cloud | -  | pool h by target
    Octopus.TentaclePackage          | -     | bare  | -  | built-in for d by defaultpool
    # 3.3, 1: the step's own pool beats the target's there too
    Octopus.TentaclePackage          | -     | cloud | m  | pool m by explicit
    # 4: T/W, as RunOnServer says
    Octopus.AwsUploadS3              | false | web   | -  | on targets by execution
    Octopus.AwsUploadS3              | true  | -     | -  | built-in for d by defaultpool
    Octopus.JavaArchive              | true  | web   | h  | pool h by explicit
    Octopus.TomcatDeploy             | -     | web   | -  | on targets by execution
    Octopus.TomcatState              | true  | -     | h  | pool h by explicit
    Octopus.TomcatDeployCertificate  | true  | -     | h  | pool h by explicit
    Octopus.WildFlyDeploy            | -     | web   | -  | on targets by execution
    Octopus.WildFlyState             | true  | -     | h  | pool h by explicit
    Octopus.WildFlyCertificateDeploy | true  | -     | h  | pool h by explicit
    Octopus.JavaDeployCertificate    | true  | -     | h  | pool h by explicit
    # 4: a type that is not known is opaque: RunOnServer or a pool says that it runs on a worker
    Octopus.Tomorrow                 | true  | -     | -  | built-in for d by defaultpool
    Octopus.Tomorrow                 | -     | -     | h  | pool h by explicit
    Octopus.Tomorrow                 | -     | web   | h  | pool h by explicit
    Octopus.Tomorrow                 | -     | cloud | h  | pool h by explicit
    Octopus.Tomorrow                 | -     | web   | -  | on targets by execution
    Octopus.Tomorrow                 | false | web   | h  | on targets by execution
    Octopus.Tomorrow                 | -     | -     | -  | unknown Type by type
    # 3.4, row 1: on each deployment target; a pool lingers there
    Octopus.Script                   | false | web   | -  | on targets by execution
    Octopus.Script                   | -     | web   | -  | on targets by execution
    Octopus.Script                   | false | web   | h  | on targets by execution
    Octopus.Script                   | -     | web   | h  | on targets by execution
    Octopus.Script                   | false | nobody | - | on targets by execution
    Octopus.Script                   | False | agent | -  | on targets by execution
    # 3.4, row 1, of no target at all
    Octopus.Script                   | false | -     | -  | nowhere NoTargets by execution
    Octopus.Script                   | -     | -     | -  | nowhere NoTargets by execution
    Octopus.Script                   | false | -     | h  | nowhere NoTargets by execution
    # 4: what names a pool and no target bears that pool
    Octopus.Script                   | -     | -     | h  | pool h by explicit
    # 3.4, row 2: once on a worker; texts are compared without case, and a space is no tag
    Octopus.Script                   | true  | -     | -  | built-in for d by defaultpool
    Octopus.Script                   | True  | -     | -  | built-in for d by defaultpool
    Octopus.Script                   | true  | -     | h  | pool h by explicit
    Octopus.Script                   | TRUE  | ' '   | h  | pool h by explicit
    Octopus.Script                   | false | ' , ' | h  | nowhere NoTargets by execution
    # 3.4, row 3: on a worker on behalf of each target; 3.3, 1: the step's own pool beats the target's
    Octopus.Script                   | true  | web   | -  | built-in for d by defaultpool
    Octopus.Script                   | true  | web   | h  | pool h by explicit
    Octopus.Script                   | true  | cloud | -  | pool h by target
    Octopus.Script                   | true  | Cloud | -  | pool h by target
    Octopus.Script                   | true  | bare  | -  | built-in for d by defaultpool
    Octopus.Script                   | true  | cloud | e  | nowhere Empty by explicit
    Octopus.Script                   | true  | nobody | - | built-in for d by defaultpool
    Octopus.Script                   | true  | agent | -  | built-in for d by defaultpool
    Octopus.AzureWebApp              | true  | cloud | m  | pool m by explicit
    Octopus.AzureWebApp              | -     | cloud | -  | pool h by target
    Octopus.AzureWebApp              | -     | lost  | -  | nowhere NoSuchPool by target
    Octopus.AzureWebApp              | -     | both  | -  | fork: pool h by target; knife: nowhere Empty by target
    Octopus.AzureWebApp              | -     | both  | h  | pool h by explicit
    Octopus.Script                   | true  | mixed | -  | web-01: built-in for d by defaultpool; app: pool h by target
    # 3.3, 1 and 4: a worker acts for a target in the cloud, though the step would run on targets
    Octopus.Script                   | false | cloud | -  | pool h by target
    Octopus.Script                   | false | cloud | m  | pool m by explicit
    Octopus.Script                   | false | bare  | -  | built-in for d by defaultpool
    Octopus.Script                   | false | mixed | -  | web-01: on targets by execution; app: pool h by target
    # 4: Kubernetes steps run on the agent where the cluster has one, and on workers else
    Octopus.KubernetesRunScript      | true  | agent | h  | on targets by execution
    Octopus.KubernetesDeployRawYaml  | true  | agent | -  | on targets by execution
    Octopus.Kubernetes.Kustomize     | true  | agent | -  | on targets by execution
    Octopus.HelmChartUpgrade         | true  | agent | -  | on targets by execution
    Octopus.KubernetesRunScript      | true  | cloud | -  | pool h by target
    Octopus.KubernetesRunScript      | true  | kube  | -  | app: pool h by target; cluster: on targets by execution
    Octopus.AwsRunScript             | true  | agent | h  | pool h by explicit
    # 3.3, 2 and 5: a healthy, enabled worker of the pool, or it fails
    Octopus.Script                   | true  | -     | m  | pool m by explicit
    Octopus.Script                   | true  | -     | e  | nowhere Empty by explicit
    Octopus.Script                   | true  | -     | u  | nowhere NoHealthyWorker by explicit
    Octopus.Script                   | true  | -     | o  | nowhere NoHealthyWorker by explicit
    Octopus.Script                   | true  | -     | n  | nowhere Unchecked by explicit
    Octopus.Script                   | true  | -     | gone | nowhere NoSuchPool by explicit
    # 3.3, 2: who names the default pool comes to it as whoever names none
    Octopus.Script                   | true  | -     | d  | built-in for d by explicit
    # 2.12: a variable without a value in scope; an expression could be any
    Octopus.Script                   | true  | -     | $P | nowhere NoValue by variable
    Octopus.Script                   | true  | -     | $#{P} | unknown Expression by variable
    Octopus.Script                   | false | web   | $P | on targets by execution
    Octopus.Manual                   | true  | -     | $P | in the server by type
";

/// Members of the default pool (`healthy`, `unhealthy`, `unknown`, `off`: healthy and disabled) | the switch
/// of the built-in worker, or `cloud` | where a step that names no pool runs.
pub(super) const FALLBACK: &str = "
    # 3.3, 2: no workers at all, and the built-in worker is on; nobody knows better where it is unread
    -                 | on    | built-in for d
    -                 | -     | built-in for d
    # 3.3, 5: it is needed and off
    -                 | off   | nowhere BuiltInWorkerOff
    # 3.3, 2: one worker is enough to stop it, be it ill, off or not checked yet
    healthy           | on    | pool d
    healthy           | off   | pool d
    unhealthy         | on    | nowhere NoHealthyWorker
    lost              | on    | nowhere NoHealthyWorker
    off               | on    | nowhere NoHealthyWorker
    # 2.2: a worker whose check has warned takes work as a healthy one does
    warned            | on    | pool d
    lost warned       | on    | pool d
    unknown           | on    | nowhere Unchecked
    unhealthy unknown | on    | nowhere Unchecked
    unhealthy healthy | on    | pool d
    off healthy       | off   | pool d
    # 3.3, 2: self-hosted servers alone have one
    -                 | cloud | nowhere NoBuiltInWorker
    healthy           | cloud | pool d
    # 7, 27: the workers of a dynamic pool come when they are needed, and nothing stands in for them
    dynamic           | cloud | pool d
    # 3.2: each space has one; whoever cannot see it does not know
    nobody            | on    | nowhere NoDefaultPool
";

/// A step inside a process template: type | RunOnServer | target tags | pool or $variable | what the usage says
/// of parameters, `name=value` | where it runs, by what. The project has a
/// variable `V` whose value is `h`, and the slug of `h` is `slug-h`.
pub(super) const INSIDE: &str = "
    # 2.11: a parameter of type worker pool is a pool's slug, and an id is understood too
    Octopus.Script        | true  | -     | $P        | P=slug-h   | pool h by parameter
    Octopus.Script        | true  | -     | $#{P}     | P=Slug-H   | pool h by parameter
    Octopus.Script        | true  | -     | $#{P}     | P=h        | pool h by parameter
    Octopus.Script        | true  | -     | $#{ p }   | P=h        | pool h by parameter
    Octopus.Script        | true  | -     | $#{P}     | P=h        | pool h by parameter
    Octopus.AwsRunScript  | -     | -     | $#{P}     | Q=h,P=m    | pool m by parameter
    Octopus.Script        | true  | -     | $#{P}     | P=e        | nowhere Empty by parameter
    Octopus.Script        | true  | -     | $#{P}     | P=gone     | nowhere NoSuchPool by parameter
    Octopus.Script        | true  | -     | $#{P}     | P=d        | built-in for d by parameter
    Octopus.Script        | true  | -     | $#{P}     | P=#{V}     | unknown Expression by parameter
    # a server that has put the value in already
    Octopus.Script        | true  | -     | h         | P=h        | pool h by parameter
    Octopus.Script        | true  | -     | slug-h    | P=h        | pool h by parameter
    Octopus.Script        | true  | -     | h         | P=m        | pool h by explicit
    # Issues 10023: a parameter that is not said means the default pool
    Octopus.Script        | true  | -     | $#{P}     | -          | built-in for d by defaultpool
    Octopus.Script        | true  | -     | $P        | Q=h        | built-in for d by defaultpool
    Octopus.Script        | true  | -     | -         | P=h        | built-in for d by defaultpool
    # what is no parameter may be a variable, or an expression that is more than a name
    Octopus.Script        | true  | -     | $V        | -          | pool h by variable
    Octopus.Script        | true  | -     | $#{V}     | -          | pool h by variable
    Octopus.Script        | true  | -     | $#{V}     | V=m        | pool m by parameter
    Octopus.Script        | true  | -     | $#{a}#{b} | a=h        | unknown Expression by variable
    # 3.4 and 4: all else is as for any step
    Octopus.Manual        | true  | -     | $#{P}     | P=h        | in the server by type
    Octopus.Script        | false | web   | $#{P}     | P=h        | on targets by execution
    Octopus.Script        | true  | web   | $#{P}     | P=h        | pool h by parameter
    Octopus.AzureWebApp   | true  | cloud | $#{P}     | -          | pool h by target
    Octopus.AzureWebApp   | true  | #{T}  | -         | T=cloud    | pool h by target
    Octopus.TriggerArgoCDSync | - | -     | $#{P}     | P=h        | unknown Type by type
    # 2.11: a template inside a template is none that anybody knows
    Octopus.ProcessTemplate | -   | -     | -         | P=h        | unknown Template by type
";
