//! What ECS says of services and task definitions.

use aws_sim::{Aws, Service, Task, TaskDefinition};

use crate::clients::{code, ecs};

#[tokio::test(start_paused = true)]
async fn a_service_says_what_it_is_and_counts_its_running_tasks() {
    let aws = Aws::new();
    aws.add_service(Service::new("demo-service").attached_to_both("arn:blue", "arn:green"));
    aws.put_task(&Task::new("one").running());
    aws.put_task(&Task::new("two").pending());
    aws.put_task(&Task::new("three").service("other").running());
    let call = ecs(&aws).describe_services().cluster("demo-cluster");
    let answer = call.services("demo-service").services("none").send().await.expect("an answer");
    let [service] = answer.services() else {
        panic!("one service, not {answer:?}");
    };
    assert_eq!((service.status(), service.running_count()), (Some("ACTIVE"), 1));
    let [balancer] = service.load_balancers() else {
        panic!("one load balancer, not {service:?}");
    };
    assert_eq!(balancer.target_group_arn(), Some("arn:blue"));
    let advanced = balancer.advanced_configuration();
    let alternate = advanced.and_then(|advanced| advanced.alternate_target_group_arn());
    assert_eq!(alternate, Some("arn:green"));
    assert_eq!(answer.failures()[0].reason(), Some("MISSING"));
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_is_found_by_arn_and_by_family() {
    let aws = Aws::new();
    let made = TaskDefinition::new("demo").container("app", 8080, Some(120));
    aws.add_service(Service::new("demo-service").task_definition(made.sidecar("agent", None)));
    let client = ecs(&aws);
    let call = client.describe_services().cluster("demo-cluster").services("demo-service");
    let answer = call.send().await.expect("an answer");
    let arn = answer.services()[0].task_definition().expect("an ARN");
    for name in [arn, "demo", "demo:10"] {
        let call = client.describe_task_definition().task_definition(name);
        let answer = call.send().await.expect("an answer");
        let definition = answer.task_definition().expect("a task definition");
        let mode = definition.network_mode().map(|mode| mode.as_str());
        assert_eq!((definition.task_definition_arn(), mode), (Some(arn), Some("awsvpc")));
        let [app, agent] = definition.container_definitions() else {
            panic!("two containers, not {definition:?}");
        };
        assert_eq!((app.stop_timeout(), agent.stop_timeout()), (Some(120), None));
        assert_eq!((app.essential(), agent.essential()), (Some(true), Some(false)));
        assert_eq!(app.port_mappings()[0].container_port(), Some(8080));
    }
    for unknown in ["demo:9", "other"] {
        let refused = client.describe_task_definition().task_definition(unknown).send().await;
        assert_eq!(code(refused.unwrap_err()).as_deref(), Some("ClientException"));
    }
}
