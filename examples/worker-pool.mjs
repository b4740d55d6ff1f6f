// A supervised pool of workers without the gateway: jobs come in, a worker that crashes on one is replaced, and the pool
// tells why each worker ended. Nothing is left when it stops.
import {
  dynamicSupervisor,
  fromProcess,
  leftovers,
  monitor,
  startApplication,
  startChild,
  whichChildren,
} from 'sluice/otp';

const done = [];

// One job per worker. A job that throws is the crash of its worker and of nobody else.
const worker = fromProcess(({ input: job, exit, scope }) => {
  scope.timer(job.ms, () => {
    if (job.fails) throw new Error(`job ${job.id} failed`);
    done.push(job.id);
    exit();
  });
  return {};
});

const pool = await startApplication('pool', {
  children: [{ id: 'workers', type: 'supervisor', start: { logic: dynamicSupervisor({ maxChildren: 100 }) } }],
});
const [{ child: workers }] = await whichChildren(pool.root);

async function run(job) {
  const answer = await startChild(workers, {
    id: `job:${job.id}`,
    restart: 'temporary',
    start: { logic: worker, input: job },
  });
  if (answer.error) throw new Error(`job ${job.id} was not started: ${answer.error.code}`);
  return new Promise((resolve) => monitor(answer.ok, ({ reason }) => resolve({ job: job.id, reason: String(reason) })));
}

const jobs = Array.from({ length: 20 }, (_, id) => ({ id, ms: 5 + (id % 7), fails: id % 5 === 4 }));
for (const { job, reason } of await Promise.all(jobs.map(run))) console.log(`job ${job}: ${reason}`);

console.log(`${done.length} of ${jobs.length} jobs done, ${jobs.length - done.length} crashed alone`);
await pool.stop();
console.log('left behind:', leftovers(pool.system));
process.exitCode = done.length === 16 && Object.keys(leftovers(pool.system)).length === 0 ? 0 : 1;
