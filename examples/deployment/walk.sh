#!/usr/bin/env bash
# Rolls a Deployment out, updates it, looks at its history, undoes, pauses and resumes.
# Needs a running cluster that KUBECONFIG names, and kubectl.
set -euo pipefail
cd "$(dirname "$0")"

kubectl apply -f deployment-nginx.yaml
kubectl rollout status deployment/nginx-deployment --timeout=60s

kubectl set image deployment/nginx-deployment nginx=nginx:1.16
kubectl rollout status deployment/nginx-deployment --timeout=60s
kubectl rollout history deployment/nginx-deployment

kubectl rollout undo deployment/nginx-deployment
kubectl rollout status deployment/nginx-deployment --timeout=60s
kubectl get deployment nginx-deployment -o 'jsonpath={.spec.template.spec.containers[0].image}{"\n"}'

kubectl rollout pause deployment/nginx-deployment
kubectl set image deployment/nginx-deployment nginx=nginx:1.17
kubectl rollout resume deployment/nginx-deployment
kubectl rollout status deployment/nginx-deployment --timeout=60s
kubectl get deployment nginx-deployment -o wide
