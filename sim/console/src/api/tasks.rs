//! Polling of tasks, and the tags of resources.

use havip_sim::cloud::model::{Model, TaskState};
use serde_json::{Value, json};

use super::{Call, Reply, fields};
use crate::gate::Fault;

fn status(state: TaskState) -> &'static str {
    match state {
        TaskState::Running => "RUNNING",
        TaskState::Success => "SUCCESS",
    }
}

/// Of a task of this region: nobody sees another's.
pub(super) fn vpc(model: &mut Model, call: &Call<'_>) -> Reply {
    let id = call.id("TaskId");
    let task = model.task(id).filter(|task| task.region == call.region);
    let task = task.ok_or_else(|| Fault::new("ResourceNotFound", "The task does not exist."))?;
    Ok(fields([
        ("Status", status(task.state).into()),
        ("Output", "".into()),
        ("Result", Vec::<u8>::new().into()),
    ]))
}

pub(super) fn eip(model: &mut Model, call: &Call<'_>) -> Reply {
    let number = call.params.int("TaskId").unwrap_or(0);
    let task = model.task_number(number).filter(|task| task.region == call.region);
    let task = task.ok_or_else(|| Fault::new("ResourceNotFound", "The task does not exist."))?;
    Ok(fields([("TaskId", number.into()), ("Result", status(task.state).into())]))
}

/// `tag:DescribeResourceTagsByResourceIds`, which Terraform asks after each resource.
pub(super) fn tags_of(model: &mut Model, call: &Call<'_>) -> Reply {
    let here = model.region(call.region);
    let mut rows: Vec<Value> = Vec::new();
    for id in call.params.texts("ResourceIds") {
        let tags = (here.vpcs().get(&id).map(|one| &one.tags))
            .or_else(|| here.subnets().get(&id).map(|one| &one.tags))
            .or_else(|| here.enis().get(&id).map(|one| &one.tags))
            .or_else(|| here.havips().get(&id).map(|one| &one.tags))
            .or_else(|| here.eips().get(&id).map(|one| &one.tags));
        for tag in tags.into_iter().flatten() {
            rows.push(json!({ "TagKey": tag.key, "TagValue": tag.value, "ResourceId": id }));
        }
    }
    let count = rows.len();
    Ok(fields([
        ("TotalCount", count.into()),
        ("Offset", 0.into()),
        ("Limit", count.into()),
        ("Tags", rows.into()),
    ]))
}
