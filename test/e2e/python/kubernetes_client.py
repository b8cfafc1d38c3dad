"""The distribution's Python client against the cluster of KUBECONFIG, run by clients-python.test.ts."""

import base64
import json
import logging
import os
import tempfile
import unittest

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes.leaderelection.leaderelectionrecord import LeaderElectionRecord

NAMESPACE = "default"
ATTEMPTS_MAX = 1000


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config.load_kube_config()
        cls.core = client.CoreV1Api()
        cls.apps = client.AppsV1Api()

    def refused(self, code, reason, function, *args, **kwargs):
        with self.assertRaises(ApiException) as caught:
            function(*args, **kwargs)
        status = json.loads(caught.exception.body)
        self.assertEqual((caught.exception.status, status["kind"]), (code, "Status"))
        self.assertEqual((status["code"], status["reason"]), (code, reason))
        return status

    def eventually(self, read, is_wanted):
        for _ in range(ATTEMPTS_MAX):
            value = read()
            if is_wanted(value):
                return value
        self.fail(f"It did not become as wanted: {value}")


class Objects(Base):
    def test_lists_come_in_pages(self):
        for index in range(5):
            self.core.create_namespaced_config_map(NAMESPACE, config_map(f"page-{index}", "page"))
        names, token = [], None
        while token != "":
            page = self.core.list_namespaced_config_map(
                NAMESPACE, label_selector="app=page", limit=2, _continue=token)
            names += [item.metadata.name for item in page.items]
            token = page.metadata._continue or ""
        self.assertEqual(names, [f"page-{index}" for index in range(5)])
        self.core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="app=page")
        left = self.core.list_namespaced_config_map(NAMESPACE, label_selector="app=page")
        self.assertEqual(left.items, [])

    def test_watches_begin_after_a_version_and_end_in_time(self):
        version = self.core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
        self.core.create_namespaced_config_map(NAMESPACE, config_map("seen", "seen"))
        self.core.patch_namespaced_config_map("seen", NAMESPACE, {"data": {"c": "d"}})
        self.core.delete_namespaced_config_map("seen", NAMESPACE)
        stream = watch.Watch().stream(
            self.core.list_namespaced_config_map, NAMESPACE, label_selector="app=seen",
            resource_version=version, timeout_seconds=1)
        seen = [(event["type"], event["object"].metadata.name) for event in stream]
        self.assertEqual(seen, [(kind, "seen") for kind in ("ADDED", "MODIFIED", "DELETED")])

    def test_a_version_that_is_none_ends_a_watch_with_an_error(self):
        stream = watch.Watch().stream(
            self.core.list_namespaced_config_map, NAMESPACE, resource_version="x")
        with self.assertRaises(ApiException) as caught:
            next(stream)
        self.assertEqual(caught.exception.status, 500)

    def test_patches_of_each_type(self):
        self.core.create_namespaced_config_map(NAMESPACE, config_map("patched", "patched"))
        merged = self.core.patch_namespaced_config_map("patched", NAMESPACE, {"data": {"c": "d"}})
        self.assertEqual(merged.data, {"a": "b", "c": "d"})
        operations = [{"op": "remove", "path": "/data/a"}]
        removed = self.core.patch_namespaced_config_map("patched", NAMESPACE, operations)
        self.assertEqual(removed.data, {"c": "d"})

    def test_refusals_are_told_with_causes(self):
        create = self.core.create_namespaced_config_map
        create(NAMESPACE, config_map("taken", "taken"))
        self.refused(409, "AlreadyExists", create, NAMESPACE, config_map("taken", "taken"))
        self.refused(404, "NotFound", self.core.read_namespaced_pod, "none", NAMESPACE)
        status = self.refused(422, "Invalid", create, NAMESPACE, config_map("Not A Name", "x"))
        self.assertEqual(status["details"]["causes"][0]["field"], "metadata.name")
        stale = self.core.read_namespaced_config_map("taken", NAMESPACE)
        self.core.patch_namespaced_config_map("taken", NAMESPACE, {"data": {"e": "f"}})
        self.refused(409, "Conflict", self.core.replace_namespaced_config_map,
                     "taken", NAMESPACE, stale)

    def test_events_are_told_of_an_object(self):
        involved = client.V1ObjectReference(kind="ConfigMap", name="any", namespace=NAMESPACE)
        self.core.create_namespaced_event(NAMESPACE, client.CoreV1Event(
            metadata=client.V1ObjectMeta(generate_name="told-"), involved_object=involved,
            reason="Told", message="a note", type="Normal"))
        told = self.core.list_namespaced_event(NAMESPACE, field_selector="involvedObject.name=any")
        self.assertEqual([event.message for event in told.items], ["a note"])


class Workloads(Base):
    def test_a_deployment_becomes_available_and_is_scaled(self):
        self.apps.create_namespaced_deployment(NAMESPACE, deployment("web", 2))
        stream = watch.Watch().stream(
            self.apps.list_namespaced_deployment, NAMESPACE, field_selector="metadata.name=web",
            resource_version="0", timeout_seconds=30)
        for event in stream:
            if event["object"].status.available_replicas == 2:
                break
        strategic = {"spec": {"template": {"spec": {"containers": [
            {"name": "main", "env": [{"name": "X", "value": "1"}]}]}}}}
        patched = self.apps.patch_namespaced_deployment("web", NAMESPACE, strategic)
        container = patched.spec.template.spec.containers[0]
        self.assertEqual((container.image, container.env[0].value), ("nginx", "1"))
        self.apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 1}})
        scale = self.apps.read_namespaced_deployment_scale("web", NAMESPACE)
        self.assertEqual((scale.spec.replicas, scale.status.selector), (1, "app=web"))
        self.apps.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")
        self.eventually(lambda: self.core.list_namespaced_pod(
            NAMESPACE, label_selector="app=web").items, lambda pods: pods == [])

    def test_files_of_many_documents_are_created(self):
        file = os.path.join(os.path.dirname(__file__), "documents.yaml")
        utils.create_from_yaml(client.ApiClient(), file)
        service = self.core.read_namespaced_service("documents", NAMESPACE)
        self.assertEqual(service.spec.ports[0].target_port, "http")
        made = self.apps.read_namespaced_deployment("documents", NAMESPACE)
        self.assertEqual(made.spec.replicas, 0)
        with self.assertRaises(utils.FailToCreateError) as caught:
            utils.create_from_yaml(client.ApiClient(), file)
        self.assertEqual({error.status for error in caught.exception.api_exceptions}, {409})

    def test_two_candidates_hold_one_lock(self):
        lock = ConfigMapLock("leader", NAMESPACE, "first")
        record = LeaderElectionRecord("first", "15", "now", "now")
        self.assertTrue(lock.create("leader", NAMESPACE, record))
        _, held = lock.get("leader", NAMESPACE)
        self.assertEqual(held.holder_identity, "first")
        other = ConfigMapLock("leader", NAMESPACE, "second")
        other.get("leader", NAMESPACE)
        record.renew_time = "later"
        self.assertTrue(lock.update("leader", NAMESPACE, record))
        record.holder_identity = "second"
        self.assertFalse(other.update("leader", NAMESPACE, record))


class Custom(Base):
    GROUP = {"group": "python.example", "version": "v1", "plural": "gadgets"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        definitions = client.ApiextensionsV1Api()
        cls.definition = definitions.create_custom_resource_definition(GADGETS)
        name = cls.definition.metadata.name
        for _ in range(ATTEMPTS_MAX):
            status = definitions.read_custom_resource_definition(name).status
            if any(each.type == "Established" and each.status == "True"
                   for each in status.conditions or []):
                return
        raise AssertionError("The definition was not established")

    @classmethod
    def tearDownClass(cls):
        name = cls.definition.metadata.name
        client.ApiextensionsV1Api().delete_custom_resource_definition(name)

    def test_objects_without_a_class_of_their_own(self):
        custom = client.CustomObjectsApi()
        place = {**self.GROUP, "namespace": NAMESPACE}
        made = custom.create_namespaced_custom_object(**place, body=gadget("a"))
        self.assertEqual(made["spec"], {"size": 1, "colour": "red"})
        custom.patch_namespaced_custom_object(**place, name="a", body={"spec": {"size": 2}})
        custom.patch_namespaced_custom_object_status(
            **place, name="a", body={"status": {"phase": "Well"}})
        read = custom.get_namespaced_custom_object(**place, name="a")
        self.assertEqual((read["spec"]["size"], read["status"]), (2, {"phase": "Well"}))
        stream = watch.Watch().stream(
            custom.list_namespaced_custom_object, **place, resource_version="0", timeout_seconds=1)
        self.assertEqual([event["object"]["metadata"]["name"] for event in stream], ["a"])
        wrong = {**gadget("b"), "spec": {"size": "large"}}
        status = self.refused(422, "Invalid", custom.create_namespaced_custom_object,
                              **place, body=wrong)
        self.assertEqual(status["details"]["causes"][0]["field"], "spec.size")
        custom.delete_collection_namespaced_custom_object(**place)
        listed = custom.list_namespaced_custom_object(**place)
        self.assertEqual((listed["kind"], listed["items"]), ("GadgetList", []))

    def test_kinds_are_discovered(self):
        with tempfile.TemporaryDirectory() as folder:
            cache = os.path.join(folder, "discovery.json")
            dynamic.DynamicClient(client.ApiClient(), cache_file=cache)
            known = dynamic.DynamicClient(client.ApiClient(), cache_file=cache)
            gadgets = known.resources.get(api_version="python.example/v1", kind="Gadget")
            self.assertEqual((gadgets.name, gadgets.namespaced), ("gadgets", True))
            made = gadgets.create(body=gadget("found"), namespace=NAMESPACE)
            self.assertEqual(made.spec.colour, "red")
            body = {"spec": {"size": 3}}
            patched = gadgets.patch(body=body, name="found", namespace=NAMESPACE,
                                    content_type="application/merge-patch+json")
            self.assertEqual(patched.spec.size, 3)
            watched = next(gadgets.watch(namespace=NAMESPACE, timeout=5))
            self.assertEqual((watched["type"], watched["object"].kind), ("ADDED", "Gadget"))
            gadgets.delete(name="found", namespace=NAMESPACE)
            with self.assertRaises(dynamic.exceptions.NotFoundError):
                gadgets.get(name="found", namespace=NAMESPACE)

    def test_what_is_applied_belongs_to_its_manager(self):
        maps = dynamic.DynamicClient(client.ApiClient()).resources.get(
            api_version="v1", kind="ConfigMap")
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}}

        def apply(manager, value):
            text = json.dumps({**body, "data": {"a": value}})
            return maps.server_side_apply(
                body=text, name="applied", namespace=NAMESPACE, field_manager=manager)

        self.assertEqual(apply("one", "b").metadata.managedFields[0].manager, "one")
        with self.assertRaises(dynamic.exceptions.ConflictError):
            apply("two", "c")


class Access(Base):
    def test_who_has_a_token_may_do_what_roles_allow(self):
        self.core.create_namespaced_service_account(
            NAMESPACE, {"metadata": {"name": "robot"}})
        self.core.create_namespaced_secret(NAMESPACE, client.V1Secret(
            type="kubernetes.io/service-account-token",
            metadata=client.V1ObjectMeta(
                name="robot", annotations={"kubernetes.io/service-account.name": "robot"})))
        secret = self.eventually(
            lambda: self.core.read_namespaced_secret("robot", NAMESPACE),
            lambda secret: "token" in (secret.data or {}))
        theirs = client.Configuration.get_default_copy()
        theirs.cert_file = theirs.key_file = None
        theirs.api_key = {"authorization": utf8(secret.data["token"])}
        theirs.api_key_prefix = {"authorization": "Bearer"}
        robot = client.ApiClient(theirs)
        self.refused(403, "Forbidden", client.CoreV1Api(robot).list_namespaced_pod, NAMESPACE)
        access = client.RbacAuthorizationV1Api()
        access.create_namespaced_role(NAMESPACE, client.V1Role(
            metadata=client.V1ObjectMeta(name="look"),
            rules=[client.V1PolicyRule(api_groups=[""], resources=["pods"], verbs=["list"])]))
        access.create_namespaced_role_binding(NAMESPACE, {
            "metadata": {"name": "look"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "look"},
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": NAMESPACE}]})
        reviews = client.AuthorizationV1Api(robot)
        attributes = client.V1ResourceAttributes(namespace=NAMESPACE, verb="list", resource="pods")
        review = client.V1SelfSubjectAccessReview(
            spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
        self.eventually(lambda: reviews.create_self_subject_access_review(review),
                        lambda answer: answer.status.allowed)
        self.assertIsNotNone(client.CoreV1Api(robot).list_namespaced_pod(NAMESPACE).items)


def utf8(text):
    return base64.b64decode(text).decode()


def config_map(name, app):
    return client.V1ConfigMap(
        metadata=client.V1ObjectMeta(name=name, labels={"app": app}), data={"a": "b"})


def deployment(name, replicas):
    labels = {"app": name}
    container = client.V1Container(name="main", image="nginx")
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name=name),
        spec=client.V1DeploymentSpec(
            replicas=replicas, selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels),
                spec=client.V1PodSpec(containers=[container]))))


def gadget(name):
    return {"apiVersion": "python.example/v1", "kind": "Gadget", "metadata": {"name": name},
            "spec": {"size": 1}}


GADGETS = {
    "metadata": {"name": "gadgets.python.example"},
    "spec": {
        "group": "python.example",
        "scope": "Namespaced",
        "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget"},
        "versions": [{
            "name": "v1",
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": {
                    "size": {"type": "integer"},
                    "colour": {"type": "string", "default": "red"}}},
                "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}},
        }],
    },
}

if __name__ == "__main__":
    logging.disable()
    unittest.main()
