//! Addresses in the AWS console.

use crate::core::arn::Arn;
use crate::core::binding::TargetGroupArn;
use crate::core::task::TaskArn;

/// The page of a task; `None` if its ARN does not name its cluster.
pub fn task(task: &TaskArn) -> Option<String> {
    let arn = Arn::parse(task.as_str())?;
    let (cluster, id) = arn.resource.strip_prefix("task/")?.split_once('/')?;
    Some(format!("{}/ecs/v2/clusters/{cluster}/tasks/{id}", console(&arn)))
}

/// The page of a target group; `None` for one of VPC Lattice, of which it is not known here.
pub fn target_group(group: &TargetGroupArn) -> Option<String> {
    if group.is_lattice() {
        return None;
    }
    let arn = Arn::parse(group.as_str())?;
    let Arn { region, .. } = arn;
    let place = format!("ec2/home?region={region}#TargetGroup:targetGroupArn={group}");
    Some(format!("{}/{place}", console(&arn)))
}

/// The console of a region, by the partition's domain.
fn console(arn: &Arn<'_>) -> String {
    let domain = match arn.partition {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("https://{}.{domain}", arn.region)
}
