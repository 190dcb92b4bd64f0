import { Stack } from 'aws-cdk-lib';
import { TargetGroupBinding } from './binding';
import { clusterArns } from './statements';

const ASKED_FOR = ['ServiceSchedulerInitiated', 'UserInitiated', 'TaskFailedToStart'];

/** Which tasks the function hears of. With several bindings it filters the groups itself, as with the template. */
function ofTasks(stack: Stack, bindings: TargetGroupBinding[], discovers: boolean): { account?: string[]; detail: object } {
  const [{ service } = { service: undefined }, ...others] = bindings;
  const group = discovers || others.length || !service ? [{ prefix: 'service:' }, { prefix: 'family:' }] : [`service:${service.serviceName}`];
  return discovers ? { account: [stack.account], detail: { group } } : { detail: { clusterArn: clusterArns(bindings), group } };
}

/** Events of tasks that serve or begin to stop. */
export function ofEvents(stack: Stack, bindings: TargetGroupBinding[], discovers: boolean): object {
  const { account, detail } = ofTasks(stack, bindings, discovers);
  return {
    source: ['aws.ecs'],
    'detail-type': ['ECS Task State Change'],
    account,
    detail: { ...detail, lastStatus: ['RUNNING', 'DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED'], desiredStatus: ['RUNNING', 'STOPPED'] },
  };
}

/** The first event of a stop; template.yaml says what they look like. */
export function ofStops(stack: Stack, bindings: TargetGroupBinding[], discovers: boolean): object {
  const { account, detail } = ofTasks(stack, bindings, discovers);
  return {
    source: ['aws.ecs'],
    'detail-type': ['ECS Task State Change'],
    account,
    detail: {
      ...detail,
      desiredStatus: ['STOPPED'],
      $or: [
        { lastStatus: ['RUNNING', 'DEACTIVATING'] },
        { lastStatus: ['DEPROVISIONING'], stopCode: [{ exists: false }, { 'anything-but': ASKED_FOR }] },
      ],
    },
  };
}

/** The beginning of a deployment, which names its service in resources alone. */
export function ofDeployments(stack: Stack, bindings: TargetGroupBinding[], discovers: boolean): object {
  const [{ service } = { service: undefined }, ...others] = bindings;
  const arn = (resourceName: string) => stack.formatArn({ service: 'ecs', resource: 'service', resourceName });
  const resources =
    discovers || others.length || !service
      ? [{ prefix: arn('') }]
      : [arn(`${service.cluster.clusterName}/${service.serviceName}`), arn(service.serviceName)];
  return {
    source: ['aws.ecs'],
    'detail-type': ['ECS Deployment State Change'],
    account: [stack.account],
    resources,
    detail: { eventName: ['SERVICE_DEPLOYMENT_IN_PROGRESS'] },
  };
}
