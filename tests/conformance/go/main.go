// The library of the Octopus Terraform provider, unmodified, against the sandbox.
//
// Each line is one fact; the program ends with 1 if one does not hold.
package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/OctopusDeploy/go-octopusdeploy/v2/pkg/client"
	"github.com/OctopusDeploy/go-octopusdeploy/v2/pkg/deployments"
	"github.com/OctopusDeploy/go-octopusdeploy/v2/pkg/machinepolicies"
	"github.com/OctopusDeploy/go-octopusdeploy/v2/pkg/machines"
	"github.com/OctopusDeploy/go-octopusdeploy/v2/pkg/variables"
	"github.com/OctopusDeploy/go-octopusdeploy/v2/pkg/workerpools"
	"github.com/OctopusDeploy/go-octopusdeploy/v2/pkg/workers"
)

var failed = 0

// is tells a fact: what was found, and what it has to be.
func is(what string, found, wanted any) {
	if fmt.Sprint(found) == fmt.Sprint(wanted) {
		return
	}
	failed++
	fmt.Printf("%s: found %v, wanted %v\n", what, found, wanted)
}

// must stops at what nothing else can do without.
func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	return value
}

func main() {
	address := must(url.Parse(os.Getenv("OCTOPUS_URL")))
	octopus := must(client.NewClient(&http.Client{}, address, os.Getenv("OCTOPUS_API_KEY"), "Spaces-1"))
	pool := pools(octopus)
	workersOfEachKind(octopus, pool)
	processes(octopus, pool)
	variable(octopus, pool)
	policy(octopus)
	is("the pool can be deleted once nothing uses it", workerpools.DeleteByID(octopus, "Spaces-1", pool), nil)
	if failed > 0 {
		os.Exit(1)
	}
	fmt.Println("go-octopusdeploy 2.115.0: pools, workers, processes, variables, policies: as a server answers")
}

func pools(octopus *client.Client) string {
	new := workerpools.NewStaticWorkerPool("Go")
	new.Description = "made by Go"
	made := must(octopus.WorkerPools.Add(new))
	is("a pool's name", made.GetName(), "Go")
	is("a static pool takes workers", made.GetIsDefault(), false)
	_, err := octopus.WorkerPools.Add(workerpools.NewStaticWorkerPool("GO"))
	is("a second pool of one name is refused", err != nil, true)
	made.SetName("Golang")
	changed := must(octopus.WorkerPools.Update(made))
	is("a pool is renamed", changed.GetName(), "Golang")
	is("and found by its new name", must(octopus.WorkerPools.GetByIdentifier("golang")).GetID(), made.GetID())
	all := must(octopus.WorkerPools.GetAll())
	found := false
	for _, it := range all {
		found = found || it.ID == made.GetID()
	}
	is("and is in the list of all", found, true)
	return made.GetID()
}

func workersOfEachKind(octopus *client.Client, pool string) {
	thumbprint := "0E80575D3BD8D30854802A4E8340A2E23AE961FD"
	listening := must(url.Parse("https://go-1.acme.example:10933"))
	polling := must(url.Parse("poll://abcdefghijklmnopqrst/"))
	ssh := machines.NewSSHEndpoint("go-3.acme.example", 22, "SHA256:jdvAfEyVwm1YNrYcPWkL7HT1Et5MSpSgpQgVtFaYTCA")
	ssh.AccountID = "Accounts-1"
	kinds := map[string]machines.IEndpoint{
		"go-1": machines.NewListeningTentacleEndpoint(listening, thumbprint),
		"go-2": machines.NewPollingTentacleEndpoint(polling, thumbprint),
		"go-3": ssh,
		"go-4": machines.NewKubernetesTentacleEndpoint(polling, thumbprint, false, "Polling", ""),
	}
	for name, endpoint := range kinds {
		new := machines.NewWorker(name, endpoint)
		new.WorkerPoolIDs = []string{pool}
		made := must(workers.Add(octopus, new))
		style := endpoint.GetCommunicationStyle()
		is(name+"'s kind", made.Endpoint.GetCommunicationStyle(), style)
		is(name+"'s pools", made.WorkerPoolIDs, []string{pool})
		made.IsDisabled = true
		is(name+" is disabled", must(workers.Update(octopus, made)).IsDisabled, true)
		is(name+" is found", must(workers.GetByID(octopus, "Spaces-1", made.ID)).Name, name)
	}
	of := must(octopus.WorkerPools.GetWorkers(must(octopus.WorkerPools.GetByID(pool))))
	is("the pool's workers", len(of), len(kinds))
	is("a pool with workers is not deleted", workerpools.DeleteByID(octopus, "Spaces-1", pool) != nil, true)
	for _, it := range of {
		is("a worker is deleted", workers.DeleteByID(octopus, "Spaces-1", it.ID), nil)
	}
}

func processes(octopus *client.Client, pool string) {
	project := must(octopus.Projects.GetByID("Projects-1"))
	process := must(deployments.GetDeploymentProcessByID(octopus, "Spaces-1", project.DeploymentProcessID))
	step := process.Steps[len(process.Steps)-2].Actions[0]
	before := step.WorkerPool
	step.WorkerPool = pool
	written := must(deployments.UpdateDeploymentProcess(octopus, process))
	is("a step's pool", written.Steps[len(process.Steps)-2].Actions[0].WorkerPool, pool)
	is("the version went up", written.Version, process.Version+1)
	_, err := deployments.UpdateDeploymentProcess(octopus, process)
	is("a stale version is refused", err != nil, true)
	written.Steps[len(process.Steps)-2].Actions[0].WorkerPool = before
	must(deployments.UpdateDeploymentProcess(octopus, written))

	runbooks := must(octopus.Runbooks.GetAll())
	runbook := must(octopus.RunbookProcesses.GetByID(runbooks[0].RunbookProcessID))
	is("a runbook's process", runbook.RunbookID, runbooks[0].ID)
	changed := must(octopus.RunbookProcesses.Update(runbook))
	is("is written under its version", changed.Version == nil || runbook.Version == nil || *changed.Version == *runbook.Version+1, true)
}

func variable(octopus *client.Client, pool string) {
	new := variables.NewVariable("Go.Pool")
	new.Type = "WorkerPool"
	new.Value = pool
	set := must(variables.AddSingle(octopus, "Spaces-1", "Projects-1", new))
	id := ""
	for _, it := range set.Variables {
		if it.Name == "Go.Pool" {
			id = it.ID
			is("a variable's pool", it.Value, pool)
		}
	}
	_, err := variables.DeleteSingle(octopus, "Spaces-1", "Projects-1", id)
	is("a variable is deleted", err, nil)
}

func policy(octopus *client.Client) {
	made := must(machinepolicies.Add(octopus, machinepolicies.NewMachinePolicy("Go")))
	is("a policy's name", made.Name, "Go")
	is("a policy is deleted", machinepolicies.DeleteByID(octopus, "Spaces-1", made.ID), nil)
	all := must(machinepolicies.GetAll(octopus, "Spaces-1"))
	is("the default policy stays", all[0].IsDefault, true)
}
