// What only an app knows: the mistakes that are errors at synth.
const assert = require('node:assert');
const test = require('node:test');
const { Stack } = require('aws-cdk-lib');
const ec2 = require('aws-cdk-lib/aws-ec2');
const elbv2 = require('aws-cdk-lib/aws-elasticloadbalancingv2');
const { Match, Template } = require('aws-cdk-lib/assertions');
const { World, ENV, GROUP_ARN, LATTICE_ARN } = require('./world');

test('a service and a group of the same app are bound', () => {
  const world = new World();
  world.targets([{ service: world.service, targetGroup: world.group(), port: 8080 }]);
  const template = Template.fromStack(world.stack);
  template.resourceCountIs('AWS::Lambda::Function', 2); // and the one behind the status page
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { detail: { clusterArn: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^Cluster'), 'Arn'] }], desiredStatus: ['RUNNING', 'STOPPED'] } },
  });
});

test('what was imported becomes plain text', () => {
  const world = new World();
  world.targets([{ service: world.importedService(), targetGroup: world.importedGroup() }]);
  Template.fromStack(world.stack).hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { BINDINGS: Match.stringLikeRegexp('^\\[\\{"cluster":"arn:aws:ecs:.*","service":"demo-service","targetGroupArn":"arn:.*"\\}\\]$') } },
  });
});

test('the group in the load balancers of its own service is an error', () => {
  const world = new World();
  const group = world.group();
  world.targets([{ service: world.service, targetGroup: group }]);
  world.service.attachToNetworkTargetGroup(group); // only later
  assert.throws(() => world.app.synth(), /bindings\[0\]: the target group is among the service's own load balancers/);
});

test("another group in the service's load balancers is none", () => {
  const world = new World();
  world.targets([{ service: world.service, targetGroup: world.group() }]);
  world.service.attachToNetworkTargetGroup(world.group({ ipAddressType: undefined }, world.stack, 'Native'));
  world.app.synth();
});

test('the same group of another stack is an error too', () => {
  const world = new World();
  const groups = new Stack(world.app, 'groups', { env: ENV });
  const vpc = ec2.Vpc.fromVpcAttributes(groups, 'Vpc', { vpcId: 'vpc-0a', availabilityZones: ['us-east-2a'] });
  const group = world.group({ vpc }, groups);
  world.targets([{ service: world.service, targetGroup: group }]);
  world.service.attachToNetworkTargetGroup(group);
  assert.throws(() => world.app.synth(), /own load balancers/);
});

test('a group of VPC Lattice of the same app is bound by its ARN', () => {
  const world = new World();
  const group = world.latticeGroup();
  world.targets([{ service: world.service, targetGroupArn: group.attrArn }], { lattice: true });
  Template.fromStack(world.stack).hasResourceProperties('AWS::IAM::Role', {
    Policies: Match.arrayWith([Match.objectLike({ PolicyDocument: { Statement: Match.arrayWith([
      Match.objectLike({ Sid: 'WriteLatticeTargets', Resource: { 'Fn::GetAtt': ['LatticeGroup', 'Arn'] } }),
    ]) } })]),
  });
});

test("a group of VPC Lattice in its service's own configurations is an error", () => {
  const world = new World();
  const group = world.latticeGroup();
  world.targets([{ service: world.service, targetGroupArn: group.attrArn }], { lattice: true });
  const service = world.service.node.findChild('Service');
  service.vpcLatticeConfigurations = [{ portName: 'web', roleArn: 'arn:aws:iam::123456789012:role/lattice', targetGroupArn: group.attrArn }];
  assert.throws(() => world.app.synth(), /own vpcLatticeConfigurations/);
});

test('a group of VPC Lattice of another region is an error', () => {
  const world = new World();
  world.targets([{ service: world.service, targetGroupArn: LATTICE_ARN.replace('us-east-2', 'eu-west-1') }], { lattice: true });
  assert.throws(() => world.app.synth(), /in eu-west-1, the function in us-east-2/);
});

test('an IPv4 group is an error', () => {
  const world = new World();
  world.targets([{ service: world.service, targetGroup: world.group({ ipAddressType: undefined }) }]);
  assert.throws(() => world.app.synth(), /the target group is for IPv4/);
});

test('a group of instances is an error', () => {
  const world = new World();
  world.targets([{ service: world.service, targetGroup: world.group({ targetType: elbv2.TargetType.INSTANCE }) }]);
  assert.throws(() => world.app.synth(), /target type ip/);
});

test('a group of another region is an error', () => {
  const world = new World();
  world.targets([{ service: world.service, targetGroup: world.importedGroup(GROUP_ARN.replace('us-east-2', 'eu-west-1')) }]);
  assert.throws(() => world.app.synth(), /in eu-west-1, the function in us-east-2/);
});

for (const [what, props, mistake] of [
  ['no binding', { bindings: [] }, /give bindings/],
  ['a prune that does not exist', { prune: 'some' }, /prune must be one of proven, all, never/],
  ['prune all with tags', { discover: 'tags', prune: 'all' }, /prune: "all" does not go with discover/],
  ['VPC Lattice without a group of this account', { lattice: true, bindings: [] }, /lattice needs/],
  ['a hold with rare reconciles', { holdMinutes: 15, reconcileMinutes: 5 }, /holdMinutes needs reconcileMinutes 1/],
  ['a hold of three days', { holdMinutes: 4320 }, /holdMinutes must be/],
  ['subnets without security groups', { subnetIds: ['subnet-0a'] }, /need each other/],
  ['too little concurrency', { reservedConcurrency: 4 }, /at least 5/],
  ['a level that drops metrics', { logLevel: 'WARN' }, /logLevel must be/],
]) {
  test(`${what} is an error`, () => {
    const world = new World();
    assert.throws(() => world.targets([{ service: world.service, targetGroup: world.group() }], props), mistake);
  });
}

for (const [what, change, mistake] of [
  ['neither service nor family', { service: undefined }, /either service or family/],
  ['a family without cluster', { service: undefined, family: 'batch' }, /family and cluster need each other/],
  ['port 0', { port: 0 }, /port must be/],
  ['an external ID without role', { externalId: 'prod' }, /externalId needs roleArn/],
  ['no target group', { targetGroup: undefined }, /either targetGroup or targetGroupArn/],
  ['a target group twice', { targetGroupArn: GROUP_ARN }, /either targetGroup or targetGroupArn/],
  ['a group of VPC Lattice that is not asked for', { targetGroup: undefined, targetGroupArn: LATTICE_ARN }, /need lattice: true/],
  ['a group of VPC Lattice by a role', { targetGroup: undefined, targetGroupArn: LATTICE_ARN, roleArn: 'arn:aws:iam::222222222222:role/r' }, /neither roleArn nor zone/],
]) {
  test(`a binding with ${what} is an error`, () => {
    const world = new World();
    assert.throws(() => world.targets([{ service: world.service, targetGroup: world.group(), ...change }]), mistake);
  });
}

test('a package without the released zip asks for code', () => {
  const world = new World();
  assert.throws(() => world.targets([{ service: world.service, targetGroup: world.group() }], { code: undefined }), /holds no bootstrap-arm64.zip/);
});

test('the alarms and the queue can be used by the app', () => {
  const world = new World();
  const targets = world.targets([{ service: world.service, targetGroup: world.group() }]);
  assert.strictEqual(targets.alarms.length, 7);
  assert.ok(targets.queue.queueArn && targets.deadLetterQueue.queueArn && targets.hookRole.roleArn);
});
