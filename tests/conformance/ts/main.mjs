// The official TypeScript client, unmodified, against the sandbox. Each `equal` is one fact.
import assert from "node:assert/strict";
import octopus from "@octopusdeploy/api-client";

const { Client, SpaceRepository, ProjectRepository, DeploymentProcessRepository } = octopus;
const { RunbookRepository, RunbookProcessRepository } = octopus;
const client = await Client.create({
    userAgentApp: "conformance",
    instanceURL: process.env.OCTOPUS_URL,
    apiKey: process.env.OCTOPUS_API_KEY,
});
const space = "Default";

const spaces = await new SpaceRepository(client).list({ partialName: space });
assert.equal(spaces.Items[0].Id, "Spaces-1");

const projects = new ProjectRepository(client, space);
const named = async (name) => (await projects.list({ partialName: name, take: 100 })).Items.find((it) => it.Name === name);
const store = await named("Web Store");
assert.equal(store.IsVersionControlled, false);

// A process is written under its version.
const processes = new DeploymentProcessRepository(client, space);
const before = await processes.get(store);
const after = await processes.update(store, before);
assert.equal(after.Version, before.Version + 1);
assert.deepEqual(after.Steps, before.Steps);
await assert.rejects(processes.update(store, before), /another user has made changes/);

// In Git each branch has its own.
const checkout = await named("Checkout");
assert.equal(checkout.IsVersionControlled, true);
const main = await processes.getByGitRef(checkout, "refs/heads/main");
const develop = await processes.getByGitRef(checkout, "develop");
const pool = (it) => it.Steps[0].Actions[0].WorkerPoolId;
assert.notEqual(pool(main), pool(develop));
main.Steps[0].Actions[0].WorkerPoolId = pool(develop);
await processes.updateByGitRef(checkout, { ...main, ChangeDescription: "by the client" }, "refs/heads/main");
assert.equal(pool(await processes.getByGitRef(checkout, "main")), pool(develop));
await assert.rejects(processes.getByGitRef(checkout, "nope"));

// Runbooks in the database, and in Git.
const runbooks = await new RunbookRepository(client, space, store).list();
assert.ok(runbooks.Items.length > 0);
const runbookProcesses = new RunbookProcessRepository(client, space, store);
const restart = await runbookProcesses.get(runbooks.Items[0]);
assert.equal(restart.RunbookId, runbooks.Items[0].Id);
assert.equal((await runbookProcesses.update(restart)).Version, restart.Version + 1);
const payments = await named("Payments");
const raw = (path) => client.request(`~/api/{spaceId}/projects/${payments.Id}/${path}`, { spaceId: "Spaces-1" });
const inGit = (await raw("main/runbooks")).Items[0];
const ofBranch = new RunbookProcessRepository(client, space, payments);
assert.equal((await ofBranch.getWithGitRef(inGit, "main")).RunbookId, inGit.Id);
assert.deepEqual((await raw("git/branches")).Items.map((it) => it.Name).includes("main"), true);

// Pools and workers have no repository: the client's own requests.
const at = "~/api/{spaceId}/workerpools{/id}";
const made = await client.doCreate(at, { spaceId: "Spaces-1", spaceName: space, Name: "TypeScript", WorkerPoolType: "StaticWorkerPool" }, {});
assert.equal(made.CanAddWorkers, true);
const renamed = await client.doUpdate(at, { ...made, spaceName: space, Name: "TS" }, { id: made.Id });
assert.deepEqual([renamed.Name, renamed.Id], ["TS", made.Id]);
const all = await client.request("~/api/{spaceId}/workerpools/all", { spaceId: "Spaces-1" });
assert.ok(all.some((it) => it.Name === "TS"));
const worker = await client.doCreate("~/api/{spaceId}/workers", {
    spaceName: space, Name: "ts-1", WorkerPoolIds: [made.Id], IsDisabled: false,
    Endpoint: { CommunicationStyle: "TentaclePassive", Uri: "https://ts-1.acme.example:10933", Thumbprint: "0E80575D3BD8D30854802A4E8340A2E23AE961FD" },
}, {});
assert.equal(worker.HealthStatus, "Unknown");
await client.del("~/api/{spaceId}/workers{/id}", { spaceId: "Spaces-1", id: worker.Id });
await client.del(at, { spaceId: "Spaces-1", id: made.Id });
await assert.rejects(client.request(at, { spaceId: "Spaces-1", id: made.Id }));

console.log("@octopusdeploy/api-client 3.11.0: spaces, projects, processes, runbooks, branches, pools, workers: as a server answers");
