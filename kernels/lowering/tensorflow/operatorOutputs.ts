/**
 * Outputs of TensorFlow's operators (2.x, with the deprecated ones), one operator a line: `Op name:type …`. A type is fixed
 * (`int64`), an attribute (`$T`, with its default `$T=int32`), a list attribute of types (`@Tout`); `*N` repeats it by attribute N.
 * Facts of TensorFlow's public operator definitions (Apache-2.0).
 */
export const OPERATOR_OUTPUTS = `
Abort
Abs y:$T
AccumulateNV2 sum:$T
AccumulatorApplyGradient
AccumulatorNumAccumulated num_accumulated:int32
AccumulatorSetGlobalStep
AccumulatorTakeGradient average:$dtype
Acos y:$T
Acosh y:$T
Add z:$T
AddManySparseToTensorsMap sparse_handles:int64
AddN sum:$T
AddSparseToTensorsMap sparse_handle:int64
AddV2 z:$T
AdjustContrast output:float32
AdjustContrastv2 output:$T=float32
AdjustHue output:$T=float32
AdjustSaturation output:$T=float32
All output:bool
AllCandidateSampler sampled_candidates:int64 true_expected_count:float32 sampled_expected_count:float32
AllToAll output:$T
Angle output:$Tout=float32
AnonymousHashTable table_handle:resource
AnonymousIterator handle:resource
AnonymousIteratorV2 handle:resource deleter:variant
AnonymousIteratorV3 handle:resource
AnonymousMemoryCache handle:resource deleter:variant
AnonymousMultiDeviceIterator handle:resource deleter:variant
AnonymousMultiDeviceIteratorV3 handle:resource
AnonymousMutableDenseHashTable table_handle:resource
AnonymousMutableHashTable table_handle:resource
AnonymousMutableHashTableOfTensors table_handle:resource
AnonymousRandomSeedGenerator handle:resource deleter:variant
AnonymousSeedGenerator handle:resource deleter:variant
Any output:bool
ApplyAdaMax out:$T
ApplyAdadelta out:$T
ApplyAdagrad out:$T
ApplyAdagradDA out:$T
ApplyAdagradV2 out:$T
ApplyAdam out:$T
ApplyAddSign out:$T
ApplyCenteredRMSProp out:$T
ApplyFtrl out:$T
ApplyFtrlV2 out:$T
ApplyGradientDescent out:$T
ApplyMomentum out:$T
ApplyPowerSign out:$T
ApplyProximalAdagrad out:$T
ApplyProximalGradientDescent out:$T
ApplyRMSProp out:$T
ApproxTopK values:$T indices:int32
ApproximateEqual z:bool
ArgMax output:$output_type=int64
ArgMin output:$output_type=int64
AsString output:string
Asin y:$T
Asinh y:$T
Assert
AssertCardinalityDataset handle:variant
AssertNextDataset handle:variant
AssertPrevDataset handle:variant
Assign output_ref:$T
AssignAdd output_ref:$T
AssignAddVariableOp
AssignSub output_ref:$T
AssignSubVariableOp
AssignVariableOp
AssignVariableXlaConcatND
Atan y:$T
Atan2 z:$T
Atanh y:$T
AudioSpectrogram spectrogram:float32
AudioSummary summary:string
AudioSummaryV2 summary:string
AutoShardDataset handle:variant
AvgPool output:$T
AvgPool3D output:$T
AvgPool3DGrad output:$T
AvgPoolGrad output:$T
BandedTriangularSolve output:$T
Barrier handle:string
BarrierClose
BarrierIncompleteSize size:int32
BarrierInsertMany
BarrierReadySize size:int32
BarrierTakeMany indices:int64 keys:string values:@component_types
Batch batched_tensors:@T batch_index:int64 id:int64
BatchCholesky output:$T
BatchCholeskyGrad output:$T
BatchDataset handle:variant
BatchDatasetV2 handle:variant
BatchFFT output:complex64
BatchFFT2D output:complex64
BatchFFT3D output:complex64
BatchFunction out_tensors:@Tout
BatchIFFT output:complex64
BatchIFFT2D output:complex64
BatchIFFT3D output:complex64
BatchMatMul output:$T
BatchMatMulV2 output:$T
BatchMatMulV3 output:$Tout
BatchMatrixBandPart band:$T
BatchMatrixDeterminant output:$T
BatchMatrixDiag output:$T
BatchMatrixDiagPart diagonal:$T
BatchMatrixInverse output:$T
BatchMatrixSetDiag output:$T
BatchMatrixSolve output:$T
BatchMatrixSolveLs output:$T
BatchMatrixTriangularSolve output:$T
BatchNormWithGlobalNormalization result:$T
BatchNormWithGlobalNormalizationGrad dx:$T dm:$T dv:$T db:$T dg:$T
BatchSelfAdjointEig output:$T
BatchSelfAdjointEigV2 e:$T v:$T
BatchSvd s:$T u:$T v:$T
BatchToSpace output:$T
BatchToSpaceND output:$T
BesselI0 y:$T
BesselI0e y:$T
BesselI1 y:$T
BesselI1e y:$T
BesselJ0 y:$T
BesselJ1 y:$T
BesselK0 y:$T
BesselK0e y:$T
BesselK1 y:$T
BesselK1e y:$T
BesselY0 y:$T
BesselY1 y:$T
Betainc z:$T
BiasAdd output:$T
BiasAddGrad output:$T
BiasAddV1 output:$T
Bincount bins:$T
Bitcast output:$type
BitwiseAnd z:$T
BitwiseOr z:$T
BitwiseXor z:$T
BlockLSTM i:$T cs:$T f:$T o:$T ci:$T co:$T h:$T
BlockLSTMGrad x_grad:$T cs_prev_grad:$T h_prev_grad:$T w_grad:$T wci_grad:$T wcf_grad:$T wco_grad:$T b_grad:$T
BlockLSTMGradV2 x_grad:$T cs_prev_grad:$T h_prev_grad:$T w_grad:$T wci_grad:$T wcf_grad:$T wco_grad:$T b_grad:$T
BlockLSTMV2 i:$T cs:$T f:$T o:$T ci:$T co:$T h:$T
BoostedTreesAggregateStats stats_summary:float32
BoostedTreesBucketize buckets:int32*num_features
BoostedTreesCalculateBestFeatureSplit node_ids:int32 gains:float32 feature_dimensions:int32 thresholds:int32 left_node_contribs:float32 right_node_contribs:float32 split_with_default_directions:string
BoostedTreesCalculateBestFeatureSplitV2 node_ids:int32 gains:float32 feature_ids:int32 feature_dimensions:int32 thresholds:int32 left_node_contribs:float32 right_node_contribs:float32 split_with_default_directions:string
BoostedTreesCalculateBestGainsPerFeature node_ids_list:int32*num_features gains_list:float32*num_features thresholds_list:int32*num_features left_node_contribs_list:float32*num_features right_node_contribs_list:float32*num_features
BoostedTreesCenterBias continue_centering:bool
BoostedTreesCreateEnsemble
BoostedTreesCreateQuantileStreamResource
BoostedTreesDeserializeEnsemble
BoostedTreesEnsembleResourceHandleOp resource:resource
BoostedTreesExampleDebugOutputs examples_debug_outputs_serialized:string
BoostedTreesFlushQuantileSummaries summaries:float32*num_features
BoostedTreesGetEnsembleStates stamp_token:int64 num_trees:int32 num_finalized_trees:int32 num_attempted_layers:int32 last_layer_nodes_range:int32
BoostedTreesMakeQuantileSummaries summaries:float32*num_features
BoostedTreesMakeStatsSummary stats_summary:float32
BoostedTreesPredict logits:float32
BoostedTreesQuantileStreamResourceAddSummaries
BoostedTreesQuantileStreamResourceDeserialize
BoostedTreesQuantileStreamResourceFlush
BoostedTreesQuantileStreamResourceGetBucketBoundaries bucket_boundaries:float32*num_features
BoostedTreesQuantileStreamResourceHandleOp resource:resource
BoostedTreesSerializeEnsemble stamp_token:int64 tree_ensemble_serialized:string
BoostedTreesSparseAggregateStats stats_summary_indices:int32 stats_summary_values:float32 stats_summary_shape:int32
BoostedTreesSparseCalculateBestFeatureSplit node_ids:int32 gains:float32 feature_dimensions:int32 thresholds:int32 left_node_contribs:float32 right_node_contribs:float32 split_with_default_directions:string
BoostedTreesTrainingPredict partial_logits:float32 tree_ids:int32 node_ids:int32
BoostedTreesUpdateEnsemble
BoostedTreesUpdateEnsembleV2
BroadcastArgs r0:$T=int32
BroadcastGradientArgs r0:$T=int32 r1:$T=int32
BroadcastTo output:$T
Bucketize output:int32
BytesProducedStatsDataset handle:variant
CSRSparseMatrixComponents row_ptrs:int32 col_inds:int32 values:$type
CSRSparseMatrixToDense dense_output:$type
CSRSparseMatrixToSparseTensor indices:int64 values:$type dense_shape:int64
CSVDataset handle:variant
CSVDatasetV2 handle:variant
CTCBeamSearchDecoder decoded_indices:int64*top_paths decoded_values:int64*top_paths decoded_shape:int64*top_paths log_probability:$T=float32
CTCGreedyDecoder decoded_indices:int64 decoded_values:int64 decoded_shape:int64 log_probability:$T=float32
CTCLoss loss:$T=float32 gradient:$T=float32
CTCLossV2 loss:float32 gradient:float32
CacheDataset handle:variant
CacheDatasetV2 handle:variant
Case output:@Tout
Cast y:$DstT
Ceil y:$T
CheckNumerics output:$T
CheckNumericsV2 output:$T
CheckPinned output:$T
Cholesky output:$T
CholeskyGrad output:$T
ChooseFastestBranchDataset handle:variant
ChooseFastestDataset handle:variant
ClipByValue output:$T
CloseSummaryWriter
CollateTPUEmbeddingMemory merged_memory_config:string
CollectiveAllToAllV2 data:$T
CollectiveAllToAllV3 data:$T
CollectiveAssignGroupV2 group_size:int32 group_key:int32
CollectiveBcastRecv data:$T
CollectiveBcastRecvV2 data:$T
CollectiveBcastSend data:$T
CollectiveBcastSendV2 data:$T
CollectiveGather data:$T
CollectiveGatherV2 data:$T
CollectiveInitializeCommunicator communicator:resource
CollectivePermute output:$T
CollectiveReduce data:$T
CollectiveReduceScatterV2 data:$T
CollectiveReduceV2 data:$T
CollectiveReduceV3 data:$T
CombinedNonMaxSuppression nmsed_boxes:float32 nmsed_scores:float32 nmsed_classes:float32 valid_detections:int32
Complex out:$Tout=complex64
ComplexAbs y:$Tout=float32
CompositeTensorVariantFromComponents encoded:variant
CompositeTensorVariantToComponents components:@Tcomponents
CompressElement compressed:variant
ComputeAccidentalHits indices:int32 ids:int64 weights:float32
ComputeBatchSize batch_size:int64
ComputeDedupDataSize num_elements:int32
ComputeDedupDataSizeV2 num_elements:int32
ComputeDedupDataTupleMask output_shape:int32
ComputeDedupDataTupleMaskV2 output_shape:int32
Concat output:$T
ConcatOffset offset:$shape_type=int32*N
ConcatV2 output:$T
ConcatenateDataset handle:variant
ConditionalAccumulator handle:string
ConfigureAndInitializeGlobalTPU output:int32
ConfigureDistributedTPU topology:string
ConfigureTPUEmbedding
ConfigureTPUEmbeddingHost network_config:string
ConfigureTPUEmbeddingMemory memory_config:string
Conj output:$T=complex64
ConjugateTranspose y:$T
ConnectTPUEmbeddingHosts
Const output:$dtype
ConsumeMutexLock
ControlTrigger
Conv output:$T
Conv2D output:$T
Conv2DBackpropFilter output:$T
Conv2DBackpropFilterV2 output:$T
Conv2DBackpropInput output:$T
Conv2DBackpropInputV2 output:$T
Conv3D output:$T
Conv3DBackpropFilter output:$T
Conv3DBackpropFilterV2 output:$T
Conv3DBackpropInput output:$T
Conv3DBackpropInputV2 output:$T
ConvertToCooTensor row_ids:int32 col_ids:int32 gains:float32
ConvertToListOfSparseCoreCooTensors row_ids_list:int32*num_sc_per_chip col_ids_list:int32*num_sc_per_chip gains_list:float32*num_sc_per_chip
ConvertToSparseCoreCsrWrappedCooTensor row_pointers:int32 sorted_sample_ids:int32 sorted_token_ids:int32 sorted_gains:float32 row_pointers_unpadded_size:int32 ids_unpadded_size:int32 num_minibatches_per_sc:int32
Copy output:$T
CopyHost output:$T
CopyToMesh output:$T
CopyToMeshGrad output:$T
Cos y:$T
Cosh y:$T
CountUpTo output:$T
CreateSummaryDbWriter
CreateSummaryFileWriter
CropAndResize crops:float32
CropAndResizeGradBoxes output:float32
CropAndResizeGradImage output:$T
Cross product:$T
CrossReplicaSum output:$T
CudnnRNN output:$T output_h:$T output_c:$T reserve_space:$T
CudnnRNNBackprop input_backprop:$T input_h_backprop:$T input_c_backprop:$T params_backprop:$T
CudnnRNNBackpropV2 input_backprop:$T input_h_backprop:$T input_c_backprop:$T params_backprop:$T
CudnnRNNBackpropV3 input_backprop:$T input_h_backprop:$T input_c_backprop:$T params_backprop:$T
CudnnRNNCanonicalToParams params:$T
CudnnRNNCanonicalToParamsV2 params:$T
CudnnRNNParamsSize params_size:$S
CudnnRNNParamsToCanonical weights:$T*num_params biases:$T*num_params
CudnnRNNParamsToCanonicalV2 weights:$T*num_params_weights biases:$T*num_params_biases
CudnnRNNV2 output:$T output_h:$T output_c:$T reserve_space:$T host_reserved:int8
CudnnRNNV3 output:$T output_h:$T output_c:$T reserve_space:$T host_reserved:int8
Cumprod out:$T
Cumsum out:$T
CumulativeLogsumexp out:$T
DTensorRestoreV2 tensors:@dtypes
DTensorSetGlobalTPUArray
DataFormatDimMap y:$T=int32
DataFormatVecPermute y:$T=int32
DataServiceDataset handle:variant
DataServiceDatasetV2 handle:variant
DataServiceDatasetV3 handle:variant
DataServiceDatasetV4 handle:variant
DatasetCardinality cardinality:int64
DatasetFingerprint fingerprint:uint64
DatasetFromGraph handle:variant
DatasetToGraph graph:string
DatasetToGraphV2 graph:string
DatasetToSingleElement components:@output_types
DatasetToTFRecord
Dawsn y:$T
DebugGradientIdentity output:$T
DebugGradientRefIdentity output:$T
DebugIdentity output:$T
DebugIdentityV2 output:$T
DebugIdentityV3 output:$T
DebugNanCount output:int64
DebugNumericSummary output:float64
DebugNumericSummaryV2 output:$output_dtype=float32
DecodeAndCropJpeg image:uint8
DecodeBase64 output:string
DecodeBmp image:uint8
DecodeCSV output:@OUT_TYPE
DecodeCompressed output:string
DecodeGif image:uint8
DecodeImage image:$dtype=uint8
DecodeJSONExample binary_examples:string
DecodeJpeg image:uint8
DecodePaddedRaw output:$out_type
DecodePng image:$dtype=uint8
DecodeProtoV2 sizes:int32 values:@output_types
DecodeRaw output:$out_type
DecodeWav audio:float32 sample_rate:int32
DecodeWebP image:$dtype=uint8
DeepCopy y:$T
DeleteIterator
DeleteMemoryCache
DeleteMultiDeviceIterator
DeleteRandomSeedGenerator
DeleteSeedGenerator
DeleteSessionTensor
DenseBincount output:$T
DenseCountSparseOutput output_indices:int64 output_values:$output_type output_dense_shape:int64
DenseToCSRSparseMatrix sparse_output:variant
DenseToDenseSetOperation result_indices:int64 result_values:$T result_shape:int64
DenseToSparseBatchDataset handle:variant
DenseToSparseSetOperation result_indices:int64 result_values:$T result_shape:int64
DepthToSpace output:$T
DepthwiseConv2dNative output:$T
DepthwiseConv2dNativeBackpropFilter output:$T
DepthwiseConv2dNativeBackpropInput output:$T
Dequantize output:$dtype=float32
DeserializeIterator
DeserializeManySparse sparse_indices:int64 sparse_values:$dtype sparse_shape:int64
DeserializeSparse sparse_indices:int64 sparse_values:$dtype sparse_shape:int64
DestroyResourceOp
DestroyTemporaryVariable value:$T
DeviceIndex index:int32
Diag output:$T
DiagPart diagonal:$T
Digamma y:$T
Dilation2D output:$T
Dilation2DBackpropFilter filter_backprop:$T
Dilation2DBackpropInput in_backprop:$T
DirectedInterleaveDataset handle:variant
DisableCopyOnRead
DistributedSave
Div z:$T
DivNoNan z:$T
DrawBoundingBoxes output:$T=float32
DrawBoundingBoxesV2 output:$T=float32
DummyIterationCounter handle:resource
DummyMemoryCache handle:resource
DummySeedGenerator handle:resource
DynamicEnqueueTPUEmbeddingArbitraryTensorBatch
DynamicEnqueueTPUEmbeddingRaggedTensorBatch
DynamicPartition outputs:$T*num_partitions
DynamicStitch merged:$T
EagerPyFunc output:@Tout
EditDistance output:float32
Eig e:$Tout v:$Tout
Einsum output:$T
Elu activations:$T
EluGrad backprops:$T
Empty output:$dtype
EmptyTensorList handle:variant
EmptyTensorMap handle:variant
EncodeBase64 output:string
EncodeJpeg contents:string
EncodeJpegVariableQuality contents:string
EncodePng contents:string
EncodeProto bytes:string
EncodeWav contents:string
EnqueueTPUEmbeddingArbitraryTensorBatch
EnqueueTPUEmbeddingBatch
EnqueueTPUEmbeddingIntegerBatch
EnqueueTPUEmbeddingRaggedTensorBatch
EnqueueTPUEmbeddingSparseBatch
EnqueueTPUEmbeddingSparseTensorBatch
EnsureShape output:$T
Enter output:$T
Equal z:bool
Erf y:$T
Erfc y:$T
Erfinv y:$T
EuclideanNorm output:$T
ExecuteTPUEmbeddingPartitioner common_config:string
Exit output:$T
Exp y:$T
ExpandDims output:$T
ExperimentalAssertNextDataset handle:variant
ExperimentalAutoShardDataset handle:variant
ExperimentalBytesProducedStatsDataset handle:variant
ExperimentalCSVDataset handle:variant
ExperimentalChooseFastestDataset handle:variant
ExperimentalDatasetCardinality cardinality:int64
ExperimentalDatasetToTFRecord
ExperimentalDenseToSparseBatchDataset handle:variant
ExperimentalDirectedInterleaveDataset handle:variant
ExperimentalGroupByReducerDataset handle:variant
ExperimentalGroupByWindowDataset handle:variant
ExperimentalIgnoreErrorsDataset handle:variant
ExperimentalIteratorGetDevice device:string
ExperimentalLMDBDataset handle:variant
ExperimentalLatencyStatsDataset handle:variant
ExperimentalMapAndBatchDataset handle:variant
ExperimentalMapDataset handle:variant
ExperimentalMatchingFilesDataset handle:variant
ExperimentalMaxIntraOpParallelismDataset handle:variant
ExperimentalNonSerializableDataset handle:variant
ExperimentalParallelInterleaveDataset handle:variant
ExperimentalParseExampleDataset handle:variant
ExperimentalPrivateThreadPoolDataset handle:variant
ExperimentalRandomDataset handle:variant
ExperimentalRebatchDataset handle:variant
ExperimentalScanDataset handle:variant
ExperimentalSetStatsAggregatorDataset handle:variant
ExperimentalSleepDataset handle:variant
ExperimentalSlidingWindowDataset handle:variant
ExperimentalSqlDataset handle:variant
ExperimentalStatsAggregatorHandle handle:resource
ExperimentalStatsAggregatorSummary summary:string
ExperimentalTakeWhileDataset handle:variant
ExperimentalThreadPoolDataset handle:variant
ExperimentalThreadPoolHandle handle:resource
ExperimentalUnbatchDataset handle:variant
ExperimentalUniqueDataset handle:variant
Expint y:$T
Expm1 y:$T
ExtractGlimpse glimpse:float32
ExtractGlimpseV2 glimpse:float32
ExtractImagePatches patches:$T
ExtractJpegShape image_shape:$output_type=int32
ExtractVolumePatches patches:$T
FFT output:$Tcomplex=complex64
FFT2D output:$Tcomplex=complex64
FFT3D output:$Tcomplex=complex64
FFTND output:$Tcomplex=complex64
FIFOQueue handle:string
FIFOQueueV2 handle:resource
Fact fact:string
FakeParam output:$dtype
FakeQuantWithMinMaxArgs outputs:float32
FakeQuantWithMinMaxArgsGradient backprops:float32
FakeQuantWithMinMaxVars outputs:float32
FakeQuantWithMinMaxVarsGradient backprops_wrt_input:float32 backprop_wrt_min:float32 backprop_wrt_max:float32
FakeQuantWithMinMaxVarsPerChannel outputs:float32
FakeQuantWithMinMaxVarsPerChannelGradient backprops_wrt_input:float32 backprop_wrt_min:float32 backprop_wrt_max:float32
FakeQueue handle:string
FileSystemSetConfiguration
Fill output:$T
FilterByLastComponentDataset output:variant
FilterDataset handle:variant
FinalizeDataset handle:variant
FinalizeTPUEmbedding
FinalizeTPUEmbeddingV2 embedding_partitions:string hbm_buffers_config:string
Fingerprint fingerprint:uint8
FixedLengthRecordDataset handle:variant
FixedLengthRecordDatasetV2 handle:variant
FixedLengthRecordReader reader_handle:string
FixedLengthRecordReaderV2 reader_handle:resource
FixedUnigramCandidateSampler sampled_candidates:int64 true_expected_count:float32 sampled_expected_count:float32
FlatMapDataset handle:variant
Floor y:$T
FloorDiv z:$T
FloorMod z:$T
FlushSummaryWriter
For output:@T
FractionalAvgPool output:$T row_pooling_sequence:int64 col_pooling_sequence:int64
FractionalAvgPoolGrad output:$T
FractionalMaxPool output:$T row_pooling_sequence:int64 col_pooling_sequence:int64
FractionalMaxPoolGrad output:$T
FresnelCos y:$T
FresnelSin y:$T
FusedBatchNorm y:$T batch_mean:$T batch_variance:$T reserve_space_1:$T reserve_space_2:$T
FusedBatchNormGrad x_backprop:$T scale_backprop:$T offset_backprop:$T reserve_space_3:$T reserve_space_4:$T
FusedBatchNormGradV2 x_backprop:$T scale_backprop:$U offset_backprop:$U reserve_space_3:$U reserve_space_4:$U
FusedBatchNormGradV3 x_backprop:$T scale_backprop:$U offset_backprop:$U reserve_space_4:$U reserve_space_5:$U
FusedBatchNormV2 y:$T batch_mean:$U batch_variance:$U reserve_space_1:$U reserve_space_2:$U
FusedBatchNormV3 y:$T batch_mean:$U batch_variance:$U reserve_space_1:$U reserve_space_2:$U reserve_space_3:$U
FusedPadConv2D output:$T
FusedResizeAndPadConv2D output:$T
GRUBlockCell r:$T u:$T c:$T h:$T
GRUBlockCellGrad d_x:$T d_h_prev:$T d_c_bar:$T d_r_bar_u_bar:$T
Gather output:$Tparams
GatherNd output:$Tparams
GatherV2 output:$Tparams
GenerateBoundingBoxProposals rois:float32 roi_probabilities:float32
GenerateVocabRemapping remapping:int64 num_present:int32
GeneratorDataset handle:variant
GetElementAtIndex components:@output_types
GetMinibatchSplitsWithPhysicalReplica sorted_row_ids:int32 sorted_col_ids:int32 sorted_gains:float32 splits:int64 id_counts:int32 max_ids:int32 max_uniques:int32
GetMinibatchesInCsrWithPhysicalReplica row_pointers:int32 sorted_sample_ids:int32 sorted_token_ids:int32 sorted_gains:float32 row_pointers_unpadded_size:int32 ids_unpadded_size:int32 num_minibatches_per_physical_sparse_core:int32
GetOptions serialized_options:string
GetSessionHandle handle:string
GetSessionHandleV2 handle:resource
GetSessionTensor value:$dtype
GetStatsFromListOfSparseCoreCooTensors max_ids_per_sparse_core:int32 max_unique_ids_per_sparse_core:int32
GetTpuTaskId tpu_task_id:int32
GlobalIterId iter_id:int64
GlobalShuffleDataset handle:variant
Greater z:bool
GreaterEqual z:bool
GroupByReducerDataset handle:variant
GroupByWindowDataset handle:variant
GuaranteeConst output:$T
HSVToRGB output:$T=float32
HashTable table_handle:string
HashTableV2 table_handle:resource
HistogramFixedWidth out:$dtype=int32
HistogramSummary summary:string
HostConst output:$dtype
IFFT output:$Tcomplex=complex64
IFFT2D output:$Tcomplex=complex64
IFFT3D output:$Tcomplex=complex64
IFFTND output:$Tcomplex=complex64
IRFFT output:$Treal=float32
IRFFT2D output:$Treal=float32
IRFFT3D output:$Treal=float32
IRFFTND output:$Treal=float32
Identity output:$T
IdentityN output:@T
IdentityReader reader_handle:string
IdentityReaderV2 reader_handle:resource
If output:@Tout
Igamma z:$T
IgammaGradA z:$T
Igammac z:$T
IgnoreErrorsDataset handle:variant
Imag output:$Tout=float32
ImageProjectiveTransformV2 transformed_images:$dtype
ImageProjectiveTransformV3 transformed_images:$dtype
ImageSummary summary:string
ImmutableConst tensor:$dtype
ImportEvent
InTopK precision:bool
InTopKV2 precision:bool
IndexFlatMapDataset handle:variant
InfeedDequeue output:$dtype
InfeedDequeueTuple outputs:@dtypes
InfeedEnqueue
InfeedEnqueuePrelinearizedBuffer
InfeedEnqueueTuple
InitializeTable
InitializeTableFromDataset
InitializeTableFromTextFile
InitializeTableFromTextFileV2
InitializeTableV2
InplaceAdd y:$T
InplaceSub y:$T
InplaceUpdate y:$T
InterleaveDataset handle:variant
Inv y:$T
InvGrad z:$T
Invert y:$T
InvertPermutation y:$T=int32
IsBoostedTreesEnsembleInitialized is_initialized:bool
IsBoostedTreesQuantileStreamResourceInitialized is_initialized:bool
IsFinite y:bool
IsInf y:bool
IsNan y:bool
IsTPUEmbeddingInitialized is_tpu_embedding_initialized:bool
IsVariableInitialized is_initialized:bool
IsotonicRegression output:$output_dtype=float32 segments:int32
Iterator handle:resource
IteratorFromStringHandle resource_handle:resource
IteratorFromStringHandleV2 resource_handle:resource
IteratorGetDevice device:string
IteratorGetModelProto model_proto:string
IteratorGetNext components:@output_types
IteratorGetNextAsOptional optional:variant
IteratorGetNextSync components:@output_types
IteratorToStringHandle string_handle:string
IteratorV2 handle:resource
KMC2ChainInitialization index:int64
KmeansPlusPlusInitialization samples:float32
KthOrderStatistic output:float32
L2Loss output:$T
LMDBDataset handle:variant
LMDBReader reader_handle:string
LRN output:$T=float32
LRNGrad output:$T=float32
LSTMBlockCell i:$T cs:$T f:$T o:$T ci:$T co:$T h:$T
LSTMBlockCellGrad cs_prev_grad:$T dicfo:$T wci_grad:$T wcf_grad:$T wco_grad:$T
LatencyStatsDataset handle:variant
LeakyRelu activations:$T=float32
LeakyReluGrad backprops:$T=float32
LearnedUnigramCandidateSampler sampled_candidates:int64 true_expected_count:float32 sampled_expected_count:float32
LeftShift z:$T
LegacyParallelInterleaveDatasetV2 handle:variant
Less z:bool
LessEqual z:bool
Lgamma y:$T
LinSpace output:$T
ListDataset handle:variant
ListDiff out:$T idx:$out_idx=int32
ListSnapshotChunksDataset handle:variant
LoadAllTPUEmbeddingParameters
LoadAndRemapMatrix output_matrix:float32
LoadDataset handle:variant
LoadTPUEmbeddingADAMParameters
LoadTPUEmbeddingAdadeltaParameters
LoadTPUEmbeddingAdagradMomentumParameters
LoadTPUEmbeddingAdagradParameters
LoadTPUEmbeddingCenteredRMSPropParameters
LoadTPUEmbeddingFTRLParameters
LoadTPUEmbeddingFrequencyEstimatorParameters
LoadTPUEmbeddingMDLAdagradLightParameters
LoadTPUEmbeddingMomentumParameters
LoadTPUEmbeddingProximalAdagradParameters
LoadTPUEmbeddingProximalYogiParameters
LoadTPUEmbeddingRMSPropParameters
LoadTPUEmbeddingStochasticGradientDescentParameters
Log y:$T
Log1p y:$T
LogMatrixDeterminant sign:$T log_abs_determinant:$T
LogSoftmax logsoftmax:$T
LogUniformCandidateSampler sampled_candidates:int64 true_expected_count:float32 sampled_expected_count:float32
LogicalAnd z:bool
LogicalNot y:bool
LogicalOr z:bool
LookupTableExport keys:$Tkeys values:$Tvalues
LookupTableExportV2 keys:$Tkeys values:$Tvalues
LookupTableFind values:$Tout
LookupTableFindV2 values:$Tout
LookupTableImport
LookupTableImportV2
LookupTableInsert
LookupTableInsertV2
LookupTableRemoveV2
LookupTableSize size:int64
LookupTableSizeV2 size:int64
LoopCond output:bool
LowerBound output:$out_type=int32
Lu lu:$T p:$output_idx_type=int32
MakeIterator
MakeUnique output:float32
MapAndBatchDataset handle:variant
MapClear
MapDataset handle:variant
MapDefun output:@output_types
MapIncompleteSize size:int32
MapPeek values:@dtypes
MapSize size:int32
MapStage
MapUnstage values:@dtypes
MapUnstageNoKey key:int64 values:@dtypes
MatMul product:$T
MatchingFiles filenames:string
MatchingFilesDataset handle:variant
MatrixBandPart band:$T
MatrixDeterminant output:$T
MatrixDiag output:$T
MatrixDiagPart diagonal:$T
MatrixDiagPartV2 diagonal:$T
MatrixDiagPartV3 diagonal:$T
MatrixDiagV2 output:$T
MatrixDiagV3 output:$T
MatrixExponential output:$T
MatrixInverse output:$T
MatrixLogarithm output:$T
MatrixSetDiag output:$T
MatrixSetDiagV2 output:$T
MatrixSetDiagV3 output:$T
MatrixSolve output:$T
MatrixSolveLs output:$T
MatrixSquareRoot output:$T
MatrixTriangularSolve output:$T
Max output:$T
MaxIntraOpParallelismDataset handle:variant
MaxPool output:$T=float32
MaxPool3D output:$T
MaxPool3DGrad output:$T=float32
MaxPool3DGradGrad output:$T
MaxPoolGrad output:$T=float32
MaxPoolGradGrad output:$T
MaxPoolGradGradV2 output:$T
MaxPoolGradGradWithArgmax output:$T
MaxPoolGradV2 output:$T=float32
MaxPoolGradWithArgmax output:$T
MaxPoolV2 output:$T=float32
MaxPoolWithArgmax output:$T argmax:$Targmax=int64
Maximum z:$T
Mean output:$T
Merge output:$T value_index:int32
MergeDedupData output:variant
MergeSummary summary:string
MergeV2Checkpoints
Mfcc output:float32
Min output:$T
Minimum z:$T
MirrorPad output:$T
MirrorPadGrad output:$T
MlirPassthroughOp outputs:@Toutputs
Mod z:$T
ModelDataset handle:variant
Mul z:$T
MulNoNan z:$T
MultiDeviceIterator handle:resource
MultiDeviceIteratorFromStringHandle multi_device_iterator:resource
MultiDeviceIteratorGetNextFromShard components:@output_types
MultiDeviceIteratorInit incarnation_id:int64
MultiDeviceIteratorToStringHandle string_handle:string
Multinomial output:$output_dtype=int64
MutableDenseHashTable table_handle:string
MutableDenseHashTableV2 table_handle:resource
MutableHashTable table_handle:string
MutableHashTableOfTensors table_handle:string
MutableHashTableOfTensorsV2 table_handle:resource
MutableHashTableV2 table_handle:resource
MutexLock mutex_lock:variant
MutexV2 resource:resource
NcclAllReduce data:$T
NcclBroadcast output:$T
NcclReduce data:$T
Ndtri y:$T
NearestNeighbors nearest_center_indices:int64 nearest_center_distances:float32
Neg y:$T
NegTrain
NextAfter output:$T=float32
NextIteration output:$T
NoOp
NonDeterministicInts output:$dtype=int64
NonMaxSuppression selected_indices:int32
NonMaxSuppressionV2 selected_indices:int32
NonMaxSuppressionV3 selected_indices:int32
NonMaxSuppressionV4 selected_indices:int32 valid_outputs:int32
NonMaxSuppressionV5 selected_indices:int32 selected_scores:$T=float32 valid_outputs:int32
NonMaxSuppressionWithOverlaps selected_indices:int32
NonSerializableDataset handle:variant
NotEqual z:bool
NthElement values:$T
OneHot output:$T
OneShotIterator handle:resource
OnesLike y:$T
OptimizeDataset handle:variant
OptimizeDatasetV2 handle:variant
OptionalFromValue optional:variant
OptionalGetValue components:@output_types
OptionalHasValue has_value:bool
OptionalNone optional:variant
OptionsDataset handle:variant
OrderedMapClear
OrderedMapIncompleteSize size:int32
OrderedMapPeek values:@dtypes
OrderedMapSize size:int32
OrderedMapStage
OrderedMapUnstage values:@dtypes
OrderedMapUnstageNoKey key:int64 values:@dtypes
OutfeedDequeue output:$dtype
OutfeedDequeueTuple outputs:@dtypes
OutfeedDequeueTupleV2 outputs:@dtypes
OutfeedDequeueV2 output:$dtype
OutfeedEnqueue
OutfeedEnqueueTuple
Pack output:$T
Pad output:$T
PadV2 output:$T
PaddedBatchDataset handle:variant
PaddedBatchDatasetV2 handle:variant
PaddingFIFOQueue handle:string
PaddingFIFOQueueV2 handle:resource
ParallelBatchDataset handle:variant
ParallelConcat output:$T
ParallelDynamicStitch merged:$T
ParallelFilterDataset handle:variant
ParallelInterleaveDataset handle:variant
ParallelInterleaveDatasetV2 handle:variant
ParallelInterleaveDatasetV3 handle:variant
ParallelInterleaveDatasetV4 handle:variant
ParallelMapDataset handle:variant
ParallelMapDatasetV2 handle:variant
ParameterizedTruncatedNormal output:$dtype
ParseExample sparse_indices:int64*Nsparse sparse_values:@sparse_types sparse_shapes:int64*Nsparse dense_values:@Tdense
ParseExampleDataset handle:variant
ParseExampleDatasetV2 handle:variant
ParseExampleV2 sparse_indices:int64*num_sparse sparse_values:@sparse_types sparse_shapes:int64*num_sparse dense_values:@Tdense ragged_values:@ragged_value_types ragged_row_splits:@ragged_split_types
ParseSequenceExample context_sparse_indices:int64*Ncontext_sparse context_sparse_values:@context_sparse_types context_sparse_shapes:int64*Ncontext_sparse context_dense_values:@Tcontext_dense feature_list_sparse_indices:int64*Nfeature_list_sparse feature_list_sparse_values:@feature_list_sparse_types feature_list_sparse_shapes:int64*Nfeature_list_sparse feature_list_dense_values:@feature_list_dense_types feature_list_dense_lengths:int64*Nfeature_list_dense
ParseSequenceExampleV2 context_sparse_indices:int64*Ncontext_sparse context_sparse_values:@context_sparse_types context_sparse_shapes:int64*Ncontext_sparse context_dense_values:@Tcontext_dense context_ragged_values:@context_ragged_value_types context_ragged_row_splits:@context_ragged_split_types feature_list_sparse_indices:int64*Nfeature_list_sparse feature_list_sparse_values:@feature_list_sparse_types feature_list_sparse_shapes:int64*Nfeature_list_sparse feature_list_dense_values:@feature_list_dense_types feature_list_dense_lengths:int64*Nfeature_list_dense feature_list_ragged_values:@feature_list_ragged_value_types feature_list_ragged_outer_splits:@feature_list_ragged_split_types feature_list_ragged_inner_splits:@feature_list_ragged_split_types
ParseSingleExample sparse_indices:int64*num_sparse sparse_values:@sparse_types sparse_shapes:int64*num_sparse dense_values:@Tdense
ParseSingleSequenceExample context_sparse_indices:int64*Ncontext_sparse context_sparse_values:@context_sparse_types context_sparse_shapes:int64*Ncontext_sparse context_dense_values:@Tcontext_dense feature_list_sparse_indices:int64*Nfeature_list_sparse feature_list_sparse_values:@feature_list_sparse_types feature_list_sparse_shapes:int64*Nfeature_list_sparse feature_list_dense_values:@feature_list_dense_types
ParseTensor output:$out_type
PartitionedCall output:@Tout
Placeholder output:$dtype
PlaceholderV2 output:$dtype
PlaceholderWithDefault output:$dtype
Polygamma z:$T
PopulationCount y:uint8
Pow z:$T
PrefetchDataset handle:variant
Prelinearize output:variant
PrelinearizeTuple output:variant
PreventGradient output:$T
Print output:$T
PrintV2
PriorityQueue handle:string
PriorityQueueV2 handle:resource
PrivateThreadPoolDataset handle:variant
Prod output:$T
PyFunc output:@Tout
PyFuncStateless output:@Tout
Qr q:$T r:$T
QuantizeAndDequantize output:$T
QuantizeAndDequantizeV2 output:$T
QuantizeAndDequantizeV3 output:$T
QuantizeAndDequantizeV4 output:$T
QuantizeAndDequantizeV4Grad input_backprop:$T input_min_backprop:$T input_max_backprop:$T
QuantizeDownAndShrinkRange output:$out_type output_min:float32 output_max:float32
QuantizeV2 output:$T output_min:float32 output_max:float32
QuantizedAdd z:$Toutput=qint32 min_z:float32 max_z:float32
QuantizedAvgPool output:$T min_output:float32 max_output:float32
QuantizedBatchNormWithGlobalNormalization result:$out_type result_min:float32 result_max:float32
QuantizedBiasAdd output:$out_type min_out:float32 max_out:float32
QuantizedConcat output:$T output_min:float32 output_max:float32
QuantizedConv2D output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedConv2DAndRelu output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedConv2DAndReluAndRequantize output:$out_type=quint8 min_output:float32 max_output:float32
QuantizedConv2DAndRequantize output:$out_type=qint8 min_output:float32 max_output:float32
QuantizedConv2DPerChannel output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedConv2DWithBias output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedConv2DWithBiasAndRelu output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedConv2DWithBiasAndReluAndRequantize output:$out_type=quint8 min_output:float32 max_output:float32
QuantizedConv2DWithBiasAndRequantize output:$out_type=qint8 min_output:float32 max_output:float32
QuantizedConv2DWithBiasSignedSumAndReluAndRequantize output:$out_type=quint8 min_output:float32 max_output:float32
QuantizedConv2DWithBiasSumAndRelu output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedConv2DWithBiasSumAndReluAndRequantize output:$out_type=quint8 min_output:float32 max_output:float32
QuantizedDepthwiseConv2D output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedDepthwiseConv2DWithBias output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedDepthwiseConv2DWithBiasAndRelu output:$out_type=qint32 min_output:float32 max_output:float32
QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize output:$out_type=quint8 min_output:float32 max_output:float32
QuantizedInstanceNorm y:$T y_min:float32 y_max:float32
QuantizedMatMul out:$Toutput=qint32 min_out:float32 max_out:float32
QuantizedMatMulWithBias out:$Toutput=qint32 min_out:float32 max_out:float32
QuantizedMatMulWithBiasAndDequantize out:$Toutput
QuantizedMatMulWithBiasAndRelu out:$Toutput=qint32 min_out:float32 max_out:float32
QuantizedMatMulWithBiasAndReluAndRequantize out:$Toutput=quint8 min_out:float32 max_out:float32
QuantizedMatMulWithBiasAndRequantize out:$Toutput=quint8 min_out:float32 max_out:float32
QuantizedMaxPool output:$T min_output:float32 max_output:float32
QuantizedMul z:$Toutput=qint32 min_z:float32 max_z:float32
QuantizedRelu activations:$out_type=quint8 min_activations:float32 max_activations:float32
QuantizedRelu6 activations:$out_type=quint8 min_activations:float32 max_activations:float32
QuantizedReluX activations:$out_type=quint8 min_activations:float32 max_activations:float32
QuantizedReshape output:$T output_min:float32 output_max:float32
QuantizedResizeBilinear resized_images:$T out_min:float32 out_max:float32
QueueClose
QueueCloseV2
QueueDequeue components:@component_types
QueueDequeueMany components:@component_types
QueueDequeueManyV2 components:@component_types
QueueDequeueUpTo components:@component_types
QueueDequeueUpToV2 components:@component_types
QueueDequeueV2 components:@component_types
QueueEnqueue
QueueEnqueueMany
QueueEnqueueManyV2
QueueEnqueueV2
QueueIsClosed is_closed:bool
QueueIsClosedV2 is_closed:bool
QueueSize size:int32
QueueSizeV2 size:int32
RFFT output:$Tcomplex=complex64
RFFT2D output:$Tcomplex=complex64
RFFT3D output:$Tcomplex=complex64
RFFTND output:$Tcomplex=complex64
RGBToHSV output:$T=float32
RaggedBincount output:$T
RaggedCountSparseOutput output_indices:int64 output_values:$output_type output_dense_shape:int64
RaggedCross output_values:$out_values_type output_row_splits:$out_row_splits_type
RaggedFillEmptyRows output_value_rowids:int64 output_values:$T empty_row_indicator:bool reverse_index_map:int64
RaggedFillEmptyRowsGrad d_values:$T d_default_value:$T
RaggedGather output_nested_splits:$Tsplits=int64*OUTPUT_RAGGED_RANK output_dense_values:$Tvalues
RaggedRange rt_nested_splits:$Tsplits=int64 rt_dense_values:$T=int32
RaggedTensorFromVariant output_nested_splits:$Tsplits=int64*output_ragged_rank output_dense_values:$Tvalues
RaggedTensorToSparse sparse_indices:int64 sparse_values:$T sparse_dense_shape:int64
RaggedTensorToTensor result:$T
RaggedTensorToVariant encoded_ragged:variant
RaggedTensorToVariantGradient dense_values_grad:$Tvalues
RandomCrop output:$T
RandomDataset handle:variant
RandomDatasetV2 handle:variant
RandomGamma output:$T
RandomGammaGrad output:$T
RandomIndexShuffle output:$dtype
RandomPoisson output:$dtype
RandomPoissonV2 output:$dtype=int64
RandomShuffle output:$T
RandomShuffleQueue handle:string
RandomShuffleQueueV2 handle:resource
RandomStandardNormal output:$dtype
RandomUniform output:$dtype
RandomUniformInt output:$Tout
Range output:$Tidx=int32
RangeDataset handle:variant
Rank output:int32
ReadFile contents:string
ReadVariableOp value:$dtype
ReadVariableXlaSplitND outputs:$T*N
ReaderNumRecordsProduced records_produced:int64
ReaderNumRecordsProducedV2 records_produced:int64
ReaderNumWorkUnitsCompleted units_completed:int64
ReaderNumWorkUnitsCompletedV2 units_completed:int64
ReaderRead key:string value:string
ReaderReadUpTo keys:string values:string
ReaderReadUpToV2 keys:string values:string
ReaderReadV2 key:string value:string
ReaderReset
ReaderResetV2
ReaderRestoreState
ReaderRestoreStateV2
ReaderSerializeState state:string
ReaderSerializeStateV2 state:string
Real output:$Tout=float32
RealDiv z:$T
RebatchDataset handle:variant
RebatchDatasetV2 handle:variant
Reciprocal y:$T
ReciprocalGrad z:$T
RecordInput records:string
Recv tensor:$tensor_type
RecvTPUEmbeddingActivations outputs:float32*num_outputs
ReduceDataset components:@output_types
ReduceJoin output:string
RefEnter output:$T
RefExit output:$T
RefIdentity output:$T
RefMerge output:$T value_index:int32
RefNextIteration output:$T
RefSelect output:$T
RefSwitch output_false:$T output_true:$T
RegexFullMatch output:bool
RegexReplace output:string
RegisterDataset dataset_id:int64
RegisterDatasetV2 dataset_id:string
Relayout output:$T
RelayoutLike output:$T
Relu activations:$T
Relu6 activations:$T
Relu6Grad backprops:$T
ReluGrad backprops:$T
RemoteCall output:@Tout
RepeatDataset handle:variant
RequantizationRange output_min:float32 output_max:float32
RequantizationRangePerChannel output_min:float32 output_max:float32
Requantize output:$out_type output_min:float32 output_max:float32
RequantizePerChannel output:$out_type=quint8 output_min:float32 output_max:float32
Reshape output:$T
ResizeArea resized_images:float32
ResizeBicubic resized_images:float32
ResizeBicubicGrad output:$T
ResizeBilinear resized_images:float32
ResizeBilinearGrad output:$T
ResizeNearestNeighbor resized_images:$T
ResizeNearestNeighborGrad output:$T
ResourceAccumulatorApplyGradient
ResourceAccumulatorNumAccumulated num_accumulated:int32
ResourceAccumulatorSetGlobalStep
ResourceAccumulatorTakeGradient average:$dtype
ResourceApplyAdaMax
ResourceApplyAdadelta
ResourceApplyAdagrad
ResourceApplyAdagradDA
ResourceApplyAdagradV2
ResourceApplyAdam
ResourceApplyAdamWithAmsgrad
ResourceApplyAddSign
ResourceApplyCenteredRMSProp
ResourceApplyFtrl
ResourceApplyFtrlV2
ResourceApplyGradientDescent
ResourceApplyKerasMomentum
ResourceApplyMomentum
ResourceApplyPowerSign
ResourceApplyProximalAdagrad
ResourceApplyProximalGradientDescent
ResourceApplyRMSProp
ResourceConditionalAccumulator handle:resource
ResourceCountUpTo output:$T
ResourceGather output:$dtype
ResourceGatherNd output:$dtype
ResourceScatterAdd
ResourceScatterDiv
ResourceScatterMax
ResourceScatterMin
ResourceScatterMul
ResourceScatterNdAdd
ResourceScatterNdMax
ResourceScatterNdMin
ResourceScatterNdSub
ResourceScatterNdUpdate
ResourceScatterSub
ResourceScatterUpdate
ResourceSparseApplyAdadelta
ResourceSparseApplyAdagrad
ResourceSparseApplyAdagradDA
ResourceSparseApplyAdagradV2
ResourceSparseApplyCenteredRMSProp
ResourceSparseApplyFtrl
ResourceSparseApplyFtrlV2
ResourceSparseApplyKerasMomentum
ResourceSparseApplyMomentum
ResourceSparseApplyProximalAdagrad
ResourceSparseApplyProximalGradientDescent
ResourceSparseApplyRMSProp
ResourceStridedSliceAssign
Restore tensor:$dt
RestoreSlice tensor:$dt
RestoreV2 tensors:@dtypes
RetrieveAllTPUEmbeddingParameters parameters:float32*NumTables auxiliary1:float32*NumTables auxiliary2:float32*NumTables auxiliary3:float32*NumTables auxiliary4:float32*NumTables auxiliary5:float32*NumTables auxiliary6:float32*NumTables auxiliary7:float32*NumTables
RetrieveTPUEmbeddingADAMParameters parameters:float32 momenta:float32 velocities:float32
RetrieveTPUEmbeddingAdadeltaParameters parameters:float32 accumulators:float32 updates:float32
RetrieveTPUEmbeddingAdagradMomentumParameters parameters:float32 accumulators:float32 momenta:float32
RetrieveTPUEmbeddingAdagradParameters parameters:float32 accumulators:float32
RetrieveTPUEmbeddingCenteredRMSPropParameters parameters:float32 ms:float32 mom:float32 mg:float32
RetrieveTPUEmbeddingFTRLParameters parameters:float32 accumulators:float32 linears:float32
RetrieveTPUEmbeddingFrequencyEstimatorParameters parameters:float32 last_hit_step:float32
RetrieveTPUEmbeddingMDLAdagradLightParameters parameters:float32 accumulators:float32 weights:float32 benefits:float32
RetrieveTPUEmbeddingMomentumParameters parameters:float32 momenta:float32
RetrieveTPUEmbeddingProximalAdagradParameters parameters:float32 accumulators:float32
RetrieveTPUEmbeddingProximalYogiParameters parameters:float32 v:float32 m:float32
RetrieveTPUEmbeddingRMSPropParameters parameters:float32 ms:float32 mom:float32
RetrieveTPUEmbeddingStochasticGradientDescentParameters parameters:float32
Reverse output:$T
ReverseSequence output:$T
ReverseV2 output:$T
RewriteDataset handle:variant
RightShift z:$T
Rint y:$T
RiscAbs y:$T
RiscAdd z:$T
RiscBinaryArithmetic z:$T
RiscBinaryComparison z:bool
RiscBitcast y:$DstT
RiscBroadcast output:$T
RiscCast y:$DstT
RiscCeil y:$T
RiscCholesky output:$T
RiscConcat output:$T
RiscCondition output:$DstT
RiscConv output:$T
RiscCos y:$T
RiscDiv z:$T
RiscDot product:$T
RiscExp y:$T
RiscFft output:$Tcomplex=complex64
RiscFloor y:$T
RiscGather output:$Tparams
RiscImag output:$Tout=float32
RiscIsFinite y:bool
RiscLog y:$T
RiscLogicalAnd z:bool
RiscLogicalNot z:bool
RiscLogicalOr z:bool
RiscMax max:$T
RiscMin z:$T
RiscMul z:$T
RiscNeg y:$T
RiscPad output:$T
RiscPool output:$T
RiscPow z:$T
RiscRandomUniform output:float32
RiscReal output:$Tout=float32
RiscReduce output:$T
RiscRem z:$T
RiscReshape output:$T
RiscReverse output:$T
RiscScatter output:$T
RiscShape output:$out_type=int32
RiscSign y:$T
RiscSlice output:$T
RiscSort output:$T
RiscSqueeze output:$T
RiscSub z:$T
RiscTranspose y:$T
RiscTriangularSolve output:$T
RiscUnary y:$T
RiscWhile output:@T
RngReadAndSkip value:int64
RngSkip
Roll output:$T
Round y:$T
Rsqrt y:$T
RsqrtGrad z:$T
SampleDistortedBoundingBox begin:$T size:$T bboxes:float32
SampleDistortedBoundingBoxV2 begin:$T size:$T bboxes:float32
SamplingDataset handle:variant
Save
SaveDataset
SaveDatasetV2 handle:variant
SaveSlices
SaveV2
ScalarSummary summary:string
ScaleAndTranslate resized_images:float32
ScaleAndTranslateGrad output:$T
ScanDataset handle:variant
ScatterAdd output_ref:$T
ScatterDiv output_ref:$T
ScatterMax output_ref:$T
ScatterMin output_ref:$T
ScatterMul output_ref:$T
ScatterNd output:$T
ScatterNdAdd output_ref:$T
ScatterNdMax output_ref:$T
ScatterNdMin output_ref:$T
ScatterNdNonAliasingAdd output:$T
ScatterNdSub output_ref:$T
ScatterNdUpdate output_ref:$T
ScatterSub output_ref:$T
ScatterUpdate output_ref:$T
SdcaFprint output:int64
SdcaOptimizer out_example_state_data:float32 out_delta_sparse_weights:float32*num_sparse_features out_delta_dense_weights:float32*num_dense_features
SdcaOptimizerV2 out_example_state_data:float32 out_delta_sparse_weights:float32*num_sparse_features out_delta_dense_weights:float32*num_dense_features
SdcaShrinkL1
SegmentMax output:$T
SegmentMaxV2 output:$T
SegmentMean output:$T
SegmentMin output:$T
SegmentMinV2 output:$T
SegmentProd output:$T
SegmentProdV2 output:$T
SegmentSum output:$T
SegmentSumV2 output:$T
Select output:$T
SelectV2 output:$T
SelfAdjointEig output:$T
SelfAdjointEigV2 e:$T v:$T
Selu activations:$T
SeluGrad backprops:$T
Send
SendTPUEmbeddingGradients
SerializeIterator serialized:variant
SerializeManySparse serialized_sparse:$out_type=string
SerializeSparse serialized_sparse:$out_type=string
SerializeTensor serialized:string
SetSize size:int32
SetStatsAggregatorDataset handle:variant
Shape output:$out_type=int32
ShapeN output:$out_type=int32*N
ShardDataset handle:variant
ShardedFilename filename:string
ShardedFilespec filename:string
ShuffleAndRepeatDataset handle:variant
ShuffleAndRepeatDatasetV2 handle:variant
ShuffleDataset handle:variant
ShuffleDatasetV2 handle:variant
ShuffleDatasetV3 handle:variant
ShutdownDistributedTPU
ShutdownTPUSystem success:bool
Sigmoid y:$T
SigmoidGrad z:$T
Sign y:$T
Sin y:$T
Sinh y:$T
Size output:$out_type=int32
SkipDataset handle:variant
Skipgram vocab_word:string vocab_freq:int32 words_per_epoch:int64 current_epoch:int32 total_words_processed:int64 examples:int32 labels:int32
SleepDataset handle:variant
Slice output:$T
SlidingWindowDataset handle:variant
Snapshot output:$T
SnapshotChunkDataset handle:variant
SnapshotDataset handle:variant
SnapshotDatasetReader handle:variant
SnapshotDatasetV2 handle:variant
SnapshotNestedDatasetReader handle:variant
SobolSample samples:$dtype=float32
Softmax softmax:$T
SoftmaxCrossEntropyWithLogits loss:$T backprop:$T
Softplus activations:$T
SoftplusGrad backprops:$T
Softsign activations:$T
SoftsignGrad backprops:$T
SortListOfSparseCoreCooTensors sorted_row_ids:int32 sorted_col_ids:int32 sorted_gains:float32 id_counts:int32
SpaceToBatch output:$T
SpaceToBatchND output:$T
SpaceToDepth output:$T
SparseAccumulatorApplyGradient
SparseAccumulatorTakeGradient indices:int64 values:$dtype shape:int64
SparseAdd sum_indices:int64 sum_values:$T sum_shape:int64
SparseAddGrad a_val_grad:$T b_val_grad:$T
SparseApplyAdadelta out:$T
SparseApplyAdagrad out:$T
SparseApplyAdagradDA out:$T
SparseApplyAdagradV2 out:$T
SparseApplyCenteredRMSProp out:$T
SparseApplyFtrl out:$T
SparseApplyFtrlV2 out:$T
SparseApplyMomentum out:$T
SparseApplyProximalAdagrad out:$T
SparseApplyProximalGradientDescent out:$T
SparseApplyRMSProp out:$T
SparseBincount output:$T
SparseConcat output_indices:int64 output_values:$T output_shape:int64
SparseConditionalAccumulator handle:string
SparseCountSparseOutput output_indices:int64 output_values:$output_type output_dense_shape:int64
SparseCross output_indices:int64 output_values:$out_type output_shape:int64
SparseCrossHashed output_indices:int64 output_values:int64 output_shape:int64
SparseCrossV2 output_indices:int64 output_values:string output_shape:int64
SparseDenseCwiseAdd output:$T
SparseDenseCwiseDiv output:$T
SparseDenseCwiseMul output:$T
SparseFillEmptyRows output_indices:int64 output_values:$T empty_row_indicator:bool reverse_index_map:int64
SparseFillEmptyRowsGrad d_values:$T d_default_value:$T
SparseMatMul product:float32
SparseMatrixAdd c:variant
SparseMatrixMatMul output:$T
SparseMatrixMul output:variant
SparseMatrixNNZ nnz:int32
SparseMatrixOrderingAMD output:int32
SparseMatrixSoftmax softmax:variant
SparseMatrixSoftmaxGrad gradient:variant
SparseMatrixSparseCholesky output:variant
SparseMatrixSparseMatMul c:variant
SparseMatrixTranspose output:variant
SparseMatrixZeros sparse_matrix:variant
SparseReduceMax output:$T
SparseReduceMaxSparse output_indices:int64 output_values:$T output_shape:int64
SparseReduceSum output:$T
SparseReduceSumSparse output_indices:int64 output_values:$T output_shape:int64
SparseReorder output_indices:int64 output_values:$T
SparseReshape output_indices:int64 output_shape:int64
SparseSegmentMean output:$T
SparseSegmentMeanGrad output:$T
SparseSegmentMeanGradV2 output:$T sorted_unique_indices:$Tidx=int32
SparseSegmentMeanWithNumSegments output:$T
SparseSegmentSqrtN output:$T
SparseSegmentSqrtNGrad output:$T
SparseSegmentSqrtNGradV2 output:$T sorted_unique_indices:$Tidx=int32
SparseSegmentSqrtNWithNumSegments output:$T
SparseSegmentSum output:$T
SparseSegmentSumGrad output:$T
SparseSegmentSumGradV2 output:$T sorted_unique_indices:$Tidx=int32
SparseSegmentSumWithNumSegments output:$T
SparseSlice output_indices:int64 output_values:$T output_shape:int64
SparseSliceGrad val_grad:$T
SparseSoftmax output:$T
SparseSoftmaxCrossEntropyWithLogits loss:$T backprop:$T
SparseSparseMaximum output_indices:int64 output_values:$T
SparseSparseMinimum output_indices:int64 output_values:$T
SparseSplit output_indices:int64*num_split output_values:$T*num_split output_shape:int64*num_split
SparseTensorDenseAdd output:$T
SparseTensorDenseMatMul product:$T
SparseTensorSliceDataset handle:variant
SparseTensorToCSRSparseMatrix sparse_matrix:variant
SparseToDense dense:$T
SparseToSparseSetOperation result_indices:int64 result_values:$T result_shape:int64
Spence y:$T
Split output:$T*num_split
SplitDedupData integer_tensor:$integer_type float_tensor:$float_type
SplitV output:$T*num_split
SqlDataset handle:variant
Sqrt y:$T
SqrtGrad z:$T
Square y:$T
SquaredDifference z:$T
Squeeze output:$T
Stack handle:string
StackClose
StackCloseV2
StackPop elem:$elem_type
StackPopV2 elem:$elem_type
StackPush output:$T
StackPushV2 output:$T
StackV2 handle:resource
Stage
StageClear
StagePeek values:@dtypes
StageSize size:int32
StatefulPartitionedCall output:@Tout
StatefulRandomBinomial output:$dtype=int64
StatefulStandardNormal output:$dtype=float32
StatefulStandardNormalV2 output:$dtype=float32
StatefulTruncatedNormal output:$dtype=float32
StatefulUniform output:$dtype=float32
StatefulUniformFullInt output:$dtype=uint64
StatefulUniformInt output:$dtype=int64
StatelessCase output:@Tout
StatelessIf output:@Tout
StatelessMultinomial output:$output_dtype=int64
StatelessParameterizedTruncatedNormal output:$dtype
StatelessRandomBinomial output:$dtype=int64
StatelessRandomGammaV2 output:$dtype
StatelessRandomGammaV3 output:$dtype
StatelessRandomGetAlg alg:int32
StatelessRandomGetKeyCounter key:uint64 counter:uint64
StatelessRandomGetKeyCounterAlg key:uint64 counter:uint64 alg:int32
StatelessRandomNormal output:$dtype=float32
StatelessRandomNormalV2 output:$dtype=float32
StatelessRandomPoisson output:$dtype
StatelessRandomUniform output:$dtype=float32
StatelessRandomUniformFullInt output:$dtype=uint64
StatelessRandomUniformFullIntV2 output:$dtype=uint64
StatelessRandomUniformInt output:$dtype
StatelessRandomUniformIntV2 output:$dtype
StatelessRandomUniformV2 output:$dtype=float32
StatelessSampleDistortedBoundingBox begin:$T size:$T bboxes:float32
StatelessShuffle output:$T
StatelessTruncatedNormal output:$dtype=float32
StatelessTruncatedNormalV2 output:$dtype=float32
StatelessWhile output:@T
StaticRegexFullMatch output:bool
StaticRegexReplace output:string
StatsAggregatorHandle handle:resource
StatsAggregatorHandleV2 handle:resource
StatsAggregatorSetSummaryWriter
StatsAggregatorSummary summary:string
StochasticCastToInt output:$Tout
StopGradient output:$T
StoreMinibatchStatisticsInFdo
StridedSlice output:$T
StridedSliceAssign output_ref:$T
StridedSliceGrad output:$T
StringFormat output:string
StringJoin output:string
StringLength output:int32
StringLower output:string
StringNGrams ngrams:string ngrams_splits:$Tsplits=int64
StringSplit indices:int64 values:string shape:int64
StringSplitV2 indices:int64 values:string shape:int64
StringStrip output:string
StringToHashBucket output:int64
StringToHashBucketFast output:int64
StringToHashBucketStrong output:int64
StringToNumber output:$out_type=float32
StringUpper output:string
Sub z:$T
Substr output:string
Sum output:$T
SummaryWriter writer:resource
Svd s:$T u:$T v:$T
Switch output_false:$T output_true:$T
SymbolicGradient output:@Tout
SyncDevice
TFRecordDataset handle:variant
TFRecordDatasetV2 handle:variant
TFRecordReader reader_handle:string
TFRecordReaderV2 reader_handle:resource
TPUAnnotateTensorsWithDynamicShape tpu_tensors:@T
TPUCompilationResult output:string
TPUCompile compilation_status:string program:string*num_computations may_modify_variables:bool*num_computations
TPUCompileSucceededAssert
TPUCopyWithDynamicShape tpu_tensors:@T
TPUDummyInput output:$dtype
TPUEmbeddingActivations output:float32
TPUExecute results:@Tresults
TPUExecuteAndUpdateVariables results:@Tresults
TPUOrdinalSelector device_ordinals:int32
TPUPartitionedCall output:@Tout
TPUPartitionedInput output:$T
TPUPartitionedInputV2 output:$T
TPUPartitionedOutput output:$T*num_splits
TPUPartitionedOutputV2 output:$T*num_splits
TPUReplicateMetadata
TPUReplicatedInput output:$T
TPUReplicatedOutput outputs:$T*num_replicas
TPUReshardVariables
TPURoundRobin device_ordinal:int32
TakeDataset handle:variant
TakeManySparseFromTensorsMap sparse_indices:int64 sparse_values:$dtype sparse_shape:int64
TakeWhileDataset handle:variant
Tan y:$T
Tanh y:$T
TanhGrad z:$T
TemporaryVariable ref:$dtype
TensorArray handle:string
TensorArrayClose
TensorArrayCloseV2
TensorArrayCloseV3
TensorArrayConcat value:$dtype lengths:int64
TensorArrayConcatV2 value:$dtype lengths:int64
TensorArrayConcatV3 value:$dtype lengths:int64
TensorArrayGather value:$dtype
TensorArrayGatherV2 value:$dtype
TensorArrayGatherV3 value:$dtype
TensorArrayGrad grad_handle:string
TensorArrayGradV2 grad_handle:string
TensorArrayGradV3 grad_handle:resource flow_out:float32
TensorArrayGradWithShape grad_handle:resource flow_out:float32
TensorArrayPack value:$dtype
TensorArrayRead value:$dtype
TensorArrayReadV2 value:$dtype
TensorArrayReadV3 value:$dtype
TensorArrayScatter flow_out:float32
TensorArrayScatterV2 flow_out:float32
TensorArrayScatterV3 flow_out:float32
TensorArraySize size:int32
TensorArraySizeV2 size:int32
TensorArraySizeV3 size:int32
TensorArraySplit flow_out:float32
TensorArraySplitV2 flow_out:float32
TensorArraySplitV3 flow_out:float32
TensorArrayUnpack flow_out:float32
TensorArrayV2 handle:string
TensorArrayV3 handle:resource flow:float32
TensorArrayWrite flow_out:float32
TensorArrayWriteV2 flow_out:float32
TensorArrayWriteV3 flow_out:float32
TensorDataset handle:variant
TensorListConcat tensor:$element_dtype lengths:int64
TensorListConcatLists output:variant
TensorListConcatV2 tensor:$element_dtype lengths:int64
TensorListElementShape element_shape:$shape_type
TensorListFromTensor output_handle:variant
TensorListGather values:$element_dtype
TensorListGetItem item:$element_dtype
TensorListLength length:int32
TensorListPopBack output_handle:variant tensor:$element_dtype
TensorListPushBack output_handle:variant
TensorListPushBackBatch output_handles:variant
TensorListReserve handle:variant
TensorListResize output_handle:variant
TensorListScatter output_handle:variant
TensorListScatterIntoExistingList output_handle:variant
TensorListScatterV2 output_handle:variant
TensorListSetItem output_handle:variant
TensorListSplit output_handle:variant
TensorListStack tensor:$element_dtype
TensorMapErase output_handle:variant
TensorMapHasKey has_key:bool
TensorMapInsert output_handle:variant
TensorMapLookup value:$value_dtype
TensorMapSize size:int32
TensorMapStackKeys keys:$key_dtype
TensorScatterAdd output:$T
TensorScatterMax output:$T
TensorScatterMin output:$T
TensorScatterSub output:$T
TensorScatterUpdate output:$T
TensorSliceDataset handle:variant
TensorStridedSliceUpdate output:$T
TensorSummary summary:string
TensorSummaryV2 summary:string
TextLineDataset handle:variant
TextLineReader reader_handle:string
TextLineReaderV2 reader_handle:resource
ThreadPoolDataset handle:variant
ThreadPoolHandle handle:resource
ThreadUnsafeUnigramCandidateSampler sampled_candidates:int64 true_expected_count:float32 sampled_expected_count:float32
Tile output:$T
TileGrad output:$T
Timestamp ts:float64
ToBool output:bool
TopK values:$T indices:int32
TopKUnique topk:float32 topk_indices:int32
TopKV2 values:$T indices:$index_type=int32
TopKWithUnique topk:float32 topk_indices:int32
TpuHandleToProtoKey proto_keys:string
Transpose y:$T
TridiagonalMatMul output:$T
TridiagonalSolve output:$T
TruncateDiv z:$T
TruncateMod z:$T
TruncatedNormal output:$dtype
Unbatch unbatched_tensor:$T
UnbatchDataset handle:variant
UnbatchGrad batched_grad:$T
UncompressElement components:@output_types
UnicodeDecode row_splits:$Tsplits=int64 char_values:int32
UnicodeDecodeWithOffsets row_splits:$Tsplits=int64 char_values:int32 char_to_byte_starts:int64
UnicodeEncode output:string
UnicodeScript output:int32
UnicodeTranscode output:string
UniformCandidateSampler sampled_candidates:int64 true_expected_count:float32 sampled_expected_count:float32
UniformDequantize output:$Tout
UniformQuantize output:$Tout
UniformQuantizedAdd output:$T
UniformQuantizedClipByValue output:$T
UniformQuantizedConvolution output:$Tout
UniformQuantizedConvolutionHybrid output:$Tout
UniformQuantizedDot output:$Tout
UniformQuantizedDotHybrid output:$Tout
UniformRequantize output:$Tout
Unique y:$T idx:$out_idx=int32
UniqueDataset handle:variant
UniqueV2 y:$T idx:$out_idx=int32
UniqueWithCounts y:$T idx:$out_idx=int32 count:$out_idx=int32
UniqueWithCountsV2 y:$T idx:$out_idx=int32 count:$out_idx=int32
Unpack output:$T*num
UnravelIndex output:$Tidx=int32
UnsortedSegmentJoin output:string
UnsortedSegmentMax output:$T
UnsortedSegmentMin output:$T
UnsortedSegmentProd output:$T
UnsortedSegmentSum output:$T
Unstage values:@dtypes
UnwrapDatasetVariant output_handle:variant
UpdateTaskIdAndGlobalCoreArray
UpperBound output:$out_type=int32
VarHandleOp resource:resource
VarIsInitializedOp is_initialized:bool
Variable ref:$dtype
VariableShape output:$out_type=int32
VariableV2 ref:$dtype
WeightedFlatMapDataset handle:variant
Where index:int64
While output:@T
WholeFileReader reader_handle:string
WholeFileReaderV2 reader_handle:resource
WindowDataset handle:variant
WindowOp handle:variant
WorkerHeartbeat response:string
WrapDatasetVariant output_handle:variant
WriteAudioSummary
WriteFile
WriteGraphSummary
WriteHistogramSummary
WriteImageSummary
WriteRawProtoSummary
WriteScalarSummary
WriteSummary
Xdivy z:$T
XlaConcatND output:$T
XlaHostCompute outputs:@Toutputs
XlaRecvFromHost output:$Toutput
XlaRecvTPUEmbeddingActivations outputs:float32*num_tables
XlaRecvTPUEmbeddingActivationsV2 outputs:float32*num_tables
XlaRecvTPUEmbeddingDeduplicationData output:variant
XlaRecvTPUEmbeddingDeduplicationDataV2 output:variant
XlaSendTPUEmbeddingGradients
XlaSendTPUEmbeddingGradientsV2
XlaSendToHost
XlaSparseActivationsUnstack unstacked_activations:$dtype*num_tables
XlaSparseCoreAdagrad updated_embedding_table:float32 updated_accumulator:float32
XlaSparseCoreAdagradMomentum updated_embedding_table:float32 updated_accumulator:float32 updated_momentum:float32
XlaSparseCoreAdam updated_embedding_table:float32 updated_velocity:float32 updated_momentum:float32
XlaSparseCoreFtrl updated_embedding_table:float32 updated_accumulator:float32 updated_linear:float32
XlaSparseCoreSgd updated_embedding_table:float32
XlaSparseDenseMatmul activations:float32 row_pointers:int32 sorted_embedding_ids:int32 sorted_sample_ids:int32 sorted_gains:float32
XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdagradAndCsrInput updated_embedding_table:float32 updated_accumulator:float32 updated_weights:float32
XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdagradMomentumAndCsrInput updated_embedding_table:float32 updated_accumulator:float32 updated_momenta:float32 updated_weights:float32
XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdamAndCsrInput updated_embedding_table:float32 updated_momenta:float32 updated_velocity:float32 updated_weights:float32
XlaSparseDenseMatmulCustomCombinerOnTcGradWithCsrInput updated_tables:float32*N updated_weights:float32
XlaSparseDenseMatmulCustomCombinerOnTcGradWithFtrlAndCsrInput updated_embedding_table:float32 updated_accumulator:float32 updated_linear:float32 updated_weights:float32
XlaSparseDenseMatmulCustomCombinerOnTcGradWithSgdAndCsrInput updated_embedding_table:float32 updated_weights:float32
XlaSparseDenseMatmulCustomCombinerOnTcWithCsrInput activations:float32 preserved_valencies:int32 preserved_vectors:float32
XlaSparseDenseMatmulGradWithAdagradAndCsrInput updated_embedding_table:float32 updated_accumulator:float32
XlaSparseDenseMatmulGradWithAdagradAndStaticBufferSize updated_embedding_table:float32 updated_accumulator:float32
XlaSparseDenseMatmulGradWithAdagradMomentumAndCsrInput updated_embedding_table:float32 updated_accumulator:float32 updated_momenta:float32
XlaSparseDenseMatmulGradWithAdagradMomentumAndStaticBufferSize updated_embedding_table:float32 updated_accumulator:float32 updated_momenta:float32
XlaSparseDenseMatmulGradWithAdamAndCsrInput updated_embedding_table:float32 updated_momenta:float32 updated_velocity:float32
XlaSparseDenseMatmulGradWithAdamAndStaticBufferSize updated_embedding_table:float32 updated_momenta:float32 updated_velocity:float32
XlaSparseDenseMatmulGradWithCsrInput updated_tables:$T=float32*N
XlaSparseDenseMatmulGradWithFtrlAndCsrInput updated_embedding_table:float32 updated_accumulator:float32 updated_linear:float32
XlaSparseDenseMatmulGradWithFtrlAndStaticBufferSize updated_embedding_table:float32 updated_accumulator:float32 updated_linear:float32
XlaSparseDenseMatmulGradWithSgdAndCsrInput updated_embedding_table:float32
XlaSparseDenseMatmulGradWithSgdAndStaticBufferSize updated_embedding_table:float32
XlaSparseDenseMatmulWithCsrInput activations:$T=float32
XlaSparseDenseMatmulWithStaticBufferSize activations:float32
XlaSparseGradientsStack stacked_gradients:$dtype
XlaSplitND outputs:$T*N
Xlog1py z:$T
Xlogy z:$T
ZerosLike y:$T
Zeta z:$T
ZipDataset handle:variant
`;
