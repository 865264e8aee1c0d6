// SPDX-License-Identifier: Apache-2.0
// A session of an official MCP client with `larder mcp`, or with a hub; TAP on stdout.
//
//	node mcp.mjs 1|2|2-modern stdio WORKSPACE
//	node mcp.mjs 1|2|2-modern http URL TOKEN
//
// 1 is @modelcontextprotocol/sdk (2024-11-05 to 2025-11-25); 2 is @modelcontextprotocol/client, which speaks
// those with a handshake, or 2026-07-28 without one. Both check every result against the tool's output schema.
import assert from 'node:assert/strict';

const [generation, transport, target, token] = process.argv.slice(2);

async function open() {
	const info = { name: 'larder-test', version: '1' };
	if (generation === '1') {
		const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
		return { client: new Client(info), ...(await transports1()) };
	}
	const { Client } = await import('@modelcontextprotocol/client');
	const options = generation === '2-modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {};
	return { client: new Client(info, options), ...(await transports2()) };
}

const command = { command: 'larder', args: ['mcp', '--workspace', target], env: { ...process.env } };
const headers = { requestInit: { headers: { Authorization: `Bearer ${token}` } } };

async function transports1() {
	const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
	const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
	return { transport: transport === 'stdio' ? new StdioClientTransport(command)
		: new StreamableHTTPClientTransport(new URL(target), headers) };
}

async function transports2() {
	const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
	if (transport !== 'stdio') return { transport: new StreamableHTTPClientTransport(new URL(target), headers) };
	const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
	return { transport: new StdioClientTransport(command) };
}

let cases = 0, failed = 0;
async function ok(name, promise) {
	cases++;
	try {
		await promise();
		console.log(`ok ${cases} - ${generation} ${transport}: ${name}`);
	} catch (e) {
		failed++;
		console.log(`not ok ${cases} - ${generation} ${transport}: ${name}\n# ${String(e.stack ?? e).replaceAll('\n', '\n# ')}`);
	}
}

const session = await open();
await session.client.connect(session.transport);
const client = session.client;
const call = (name, args = {}) => client.callTool({ name, arguments: args });

await ok('the server tells its name and how to use it', async () => {
	assert.equal(client.getServerVersion()?.name, 'larder');
	assert.match(client.getInstructions(), /table_describe/);
	assert.ok(client.getInstructions().length < 2048);
});

await ok('eight tools are listed, all but the note reading only', async () => {
	const { tools } = await client.listTools();
	assert.equal(tools.length, 8);
	for (const tool of tools) {
		assert.ok(tool.description.length < 2048);
		assert.equal(tool.annotations.readOnlyHint, tool.name !== 'note_submit');
	}
	assert.deepEqual((await client.listTools()).tools, tools);
});

await ok('a table is found and described with its rule', async () => {
	const found = await call('catalog_search', { query: 'order' });
	assert.deepEqual(found.structuredContent.tables.map((t) => t.name), ['orders']);
	const table = (await call('table_describe', { table: 'orders' })).structuredContent;
	assert.deepEqual(table.columns.map((c) => c.name), ['k', 'v']);
	assert.equal(table.rows, 1000);
	assert.match(JSON.stringify(table.rules), /never add v/);
});

await ok('a query gives typed rows', async () => {
	const { structuredContent: r } = await call('query_run', { sql: "SELECT count(*) AS n, min(v) AS v FROM orders" });
	assert.deepEqual(r.rows, [[1000, 'a']]);
	assert.equal(r.truncated, false);
});

await ok('a cut result says so, and what to do', async () => {
	const { structuredContent: r } = await call('query_run', { sql: 'FROM orders ORDER BY k', limit: 10 });
	assert.equal(r.row_count, 10);
	assert.equal(r.truncated, true);
	assert.match(r.next, /not the whole result/);
	const wide = (await call('query_run', { sql: "SELECT repeat('x', 1000) FROM orders", limit: 1000 })).structuredContent;
	assert.equal(wide.truncated, true);
	assert.ok(wide.row_count < 1000);
});

await ok('what fails is told with the next step', async () => {
	for (const [name, args, words] of [
		['query_run', { sql: 'SELECT nothing FROM orders' }, /table_describe/],
		['query_run', { sql: "COPY orders TO '/tmp/x.csv'" }, /./],
		['query_run', { sql: "SELECT * FROM read_text('/etc/passwd')" }, /./],
		['table_describe', { table: 'nowhere' }, /catalog_search/],
		['query_run', {}, /needs the argument 'sql'/],
		['query_run', { sql: 'SELECT 1', more: 1 }, /no argument 'more'/],
	]) {
		const r = await call(name, args);
		assert.equal(r.isError, true, JSON.stringify(r));
		assert.match(r.content[0].text, words);
		assert.doesNotMatch(r.content[0].text, /root:/);
	}
});

await ok('an unknown tool is an error of the protocol', async () => {
	await assert.rejects(call('no_such_tool'), /no tool/);
});

await ok('rules are found by their words', async () => {
	const { structuredContent: r } = await call('rule_search', { query: 'never' });
	assert.equal(r.rules.length, 1);
	assert.equal(r.rules[0].mandatory, true);
	assert.equal((await call('rule_search', { query: 'unheard-of' })).structuredContent.total, 0);
});

await ok('freshness names each table', async () => {
	const { structuredContent: r } = await call('freshness_status');
	assert.deepEqual(r.tables.map((t) => t.name), ['orders']);
});

await ok('resources are listed and read', async () => {
	const { resources } = await client.listResources();
	assert.ok(resources.length >= 2);
	for (const { uri } of resources) {
		const { contents } = await client.readResource({ uri });
		assert.ok(contents[0].text.length > 10);
	}
	await assert.rejects(client.readResource({ uri: 'larder://table/nowhere' }));
	await assert.rejects(client.readResource({ uri: 'file:///etc/passwd' }));
});

await ok('prompts are listed and filled', async () => {
	const { prompts } = await client.listPrompts();
	assert.equal(prompts.length, 2);
	const got = await client.getPrompt({ name: 'answer_from_data', arguments: { question: 'how many %s?' } });
	assert.match(got.messages[0].content.text, /how many %s\?/);
});

await ok('a note is kept', async () => {
	const r = await call('note_submit', { text: `v is never null (${generation})`, title: 'orders' });
	assert.ok(['kept', 'proposed'].includes(r.structuredContent.status), JSON.stringify(r));
});

await ok('calls at once are all answered', async () => {
	const all = await Promise.all([1, 2, 3, 4, 5].map((n) => call('query_run', { sql: `SELECT ${n} AS n` })));
	assert.deepEqual(all.map((r) => r.structuredContent.rows[0][0]), [1, 2, 3, 4, 5]);
});

await ok('a call that is given up ends, and the next one works', async () => {
	const stop = new AbortController();
	const slow = client.callTool({ name: 'query_run', arguments: { sql: 'SELECT count(*) FROM range(1000000) a, range(1000000) b' } },
		...(generation === '1' ? [undefined] : []), { signal: stop.signal });
	setTimeout(() => stop.abort(), 300);
	await assert.rejects(slow);
	const r = await call('query_run', { sql: 'SELECT 7' });
	assert.deepEqual(r.structuredContent.rows, [[7]]);
});

await client.close();
console.log(`1..${cases}`);
process.exit(failed ? 1 : 0);
