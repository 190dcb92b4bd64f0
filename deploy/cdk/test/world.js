// A VPC, a dual-stack service and an IPv6 target group, as an app has them.
const { App, Stack } = require('aws-cdk-lib');
const ec2 = require('aws-cdk-lib/aws-ec2');
const ecs = require('aws-cdk-lib/aws-ecs');
const elbv2 = require('aws-cdk-lib/aws-elasticloadbalancingv2');
const lambda = require('aws-cdk-lib/aws-lambda');
const vpclattice = require('aws-cdk-lib/aws-vpclattice');
const s3 = require('aws-cdk-lib/aws-s3');
const { EcsIpv6Targets } = require('../lib');

const ENV = { account: '123456789012', region: 'us-east-2' };
const CLUSTER_ARN = 'arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster';
const GROUP_ARN = 'arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09';

const LATTICE_ARN = 'arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0123456789abcdef0';

class World {
  constructor() {
    this.app = new App();
    this.stack = new Stack(this.app, 'stack', { env: ENV });
    this.vpc = new ec2.Vpc(this.stack, 'Vpc', { natGateways: 0 });
    this.cluster = new ecs.Cluster(this.stack, 'Cluster', { vpc: this.vpc });
    const taskDefinition = new ecs.FargateTaskDefinition(this.stack, 'Tasks');
    taskDefinition.addContainer('web', { image: ecs.ContainerImage.fromRegistry('web'), portMappings: [{ containerPort: 8080 }] });
    this.service = new ecs.FargateService(this.stack, 'Service', { cluster: this.cluster, taskDefinition });
  }

  group(props = {}, stack = this.stack, id = 'Group') {
    return new elbv2.NetworkTargetGroup(stack, id, {
      vpc: this.vpc,
      port: 8080,
      targetType: elbv2.TargetType.IP,
      ipAddressType: elbv2.TargetGroupIpAddressType.IPV6,
      ...props,
    });
  }

  latticeGroup() {
    const config = { ipAddressType: 'IPV6', port: 8080, protocol: 'HTTP', vpcIdentifier: this.vpc.vpcId };
    return new vpclattice.CfnTargetGroup(this.stack, 'LatticeGroup', { type: 'IP', config });
  }

  importedService(name = 'demo-service') {
    const arn = `arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/${name}`;
    return ecs.BaseService.fromServiceArnWithCluster(this.stack, `Imported-${name}`, arn);
  }

  importedCluster() {
    return ecs.Cluster.fromClusterArn(this.stack, 'Imported-demo-cluster', CLUSTER_ARN);
  }

  importedGroup(targetGroupArn = GROUP_ARN) {
    return elbv2.NetworkTargetGroup.fromTargetGroupAttributes(this.stack, `Imported-${targetGroupArn}`, { targetGroupArn });
  }

  targets(bindings, props = {}) {
    const code = lambda.Code.fromBucketV2(s3.Bucket.fromBucketName(this.stack, 'Packages', 'packages'), 'bootstrap-arm64.zip');
    return new EcsIpv6Targets(this.stack, 'Targets', { bindings, code, ...props });
  }
}

module.exports = { World, ENV, CLUSTER_ARN, GROUP_ARN, LATTICE_ARN };
